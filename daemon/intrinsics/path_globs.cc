#include "daemon/intrinsics/path_globs.h"

#include <map>
#include <utility>

namespace kiln::intrinsics {

namespace {

std::string quoted_list(const std::vector<std::string>& globs) {
  std::string text;
  for (const std::string& glob : globs) {
    if (!text.empty()) text += ", ";
    text += "'" + printable(glob) + "'";
  }
  return text;
}

class Subset {
 public:
  explicit Subset(const os::GlobSet& globs) : globs_(globs), matched_(globs.includes().size()) {}

  store::TreePtr of(const store::TreePtr& tree, const os::GlobState& state) {
    const auto [known, is_new] = parts_.try_emplace({tree.get(), state});
    if (!is_new) return known->second;
    std::vector<store::Entry> entries;
    for (const store::Entry& entry : tree->entries()) {
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      const os::GlobSet::Step step = globs_.step(state, entry.name);
      const bool enters = below != nullptr && !step.below.dead();
      if ((step.matched.empty() && !enters) || step.excluded(below != nullptr)) continue;
      for (const uint32_t i : step.matched) matched_[i] = true;
      if (below == nullptr) {
        entries.push_back(entry);
        continue;
      }
      store::TreePtr part = enters ? of(*below, step.below) : store::Tree::empty();
      if (part->entries().empty() && step.matched.empty()) continue;
      entries.push_back({entry.name, std::move(part)});
    }
    return known->second = store::Tree::make(std::move(entries));
  }

  std::vector<std::string> unmatched() const {
    std::vector<std::string> globs;
    for (size_t i = 0; i < matched_.size(); ++i) {
      if (!matched_[i]) globs.push_back(globs_.includes()[i]);
    }
    return globs;
  }

 private:
  const os::GlobSet& globs_;
  std::vector<bool> matched_;
  // What was made of a directory in a state; the trees live as long as the root does.
  std::map<std::pair<const store::Tree*, os::GlobState>, store::TreePtr> parts_;
};

// A glob that names something in the tree is that path, whatever characters it has.
std::string named_in(const store::Tree& tree, const std::string& glob) {
  const size_t skipped = glob.starts_with("!/") ? 2 : glob.starts_with('!') ? 1 : 0;
  const std::string text = glob.substr(skipped);
  const auto path = RelPath::parse(text);
  if (text.find_first_of("*?[\\") == std::string::npos || !path.ok()) return glob;
  if (tree.find(*path) == nullptr) return glob;
  return glob.substr(0, skipped) + literal_glob(text);
}

}  // namespace

Result<void> check(const PathGlobs& globs) {
  if (globs.match_error != GlobMatchError::kIgnore && globs.origin.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "globs that warn or fail when nothing matches need a description_of_origin: "
                      "where they come from");
  }
  if (globs.match_error == GlobMatchError::kIgnore && !globs.origin.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "description_of_origin is only of use with match_error WARN or ERROR");
  }
  return {};
}

std::string unmatched_message(const PathGlobs& globs, const os::GlobSet& compiled,
                              const std::vector<std::string>& unmatched) {
  if (globs.match_error == GlobMatchError::kIgnore || unmatched.empty()) return "";
  const bool any = globs.conjunction == GlobConjunction::kAnyMatch;
  if (any && unmatched.size() < compiled.includes().size()) return "";
  std::string text =
      unmatched.size() == 1 ? "no file matches the glob " : "no file matches the globs ";
  text += quoted_list(unmatched) + " from " + globs.origin;
  if (!compiled.excludes().empty()) text += " (excluded: " + quoted_list(compiled.excludes()) + ")";
  return text;
}

Result<void> settle_unmatched(const PathGlobs& globs, std::string message,
                              std::vector<std::string>& warnings) {
  if (message.empty()) return {};
  if (globs.match_error == GlobMatchError::kError) {
    return user_error(ErrorCode::kNotFound, std::move(message));
  }
  warnings.push_back(std::move(message));
  return {};
}

Result<TreeSubset> subset(const store::TreePtr& tree, const PathGlobs& globs) {
  KILN_TRY(check(globs));
  std::vector<std::string> named;
  named.reserve(globs.globs.size());
  for (const std::string& glob : globs.globs) named.push_back(named_in(*tree, glob));
  KILN_ASSIGN(const auto compiled, os::GlobSet::compile(named));
  Subset walk(*compiled);
  TreeSubset part{walk.of(tree, compiled->root()), {}};
  KILN_TRY(settle_unmatched(globs, unmatched_message(globs, *compiled, walk.unmatched()),
                            part.warnings));
  return part;
}

}  // namespace kiln::intrinsics
