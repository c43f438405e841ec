#include "daemon/intrinsics/path_globs.h"

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

struct Subset {
  const os::GlobSet& globs;
  std::vector<bool> matched;

  store::TreePtr of(const store::Tree& tree, const RelPath& prefix, const os::GlobState& state) {
    std::vector<store::Entry> entries;
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = prefix.child(entry.name);
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      const os::GlobSet::Step step = globs.step(state, entry.name);
      const bool enters = below != nullptr && !step.below.dead();
      if ((step.matched.empty() && !enters) || globs.excluded(path, below != nullptr)) continue;
      for (const uint32_t i : step.matched) matched[i] = true;
      if (below == nullptr) {
        entries.push_back(entry);
        continue;
      }
      store::TreePtr part = enters ? of(**below, path, step.below) : store::Tree::empty();
      if (part->entries().empty() && step.matched.empty()) continue;
      entries.push_back({entry.name, std::move(part)});
    }
    return store::Tree::make(std::move(entries));
  }
};

}  // namespace

std::string literal_glob(std::string_view path) {
  std::string glob;
  for (const char c : path) {
    if (std::string_view("*?[\\!").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

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
  KILN_ASSIGN(const auto compiled, os::GlobSet::compile(globs.globs));
  Subset walk{*compiled, std::vector<bool>(compiled->includes().size())};
  TreeSubset part{walk.of(*tree, RelPath(), compiled->root()), {}};
  std::vector<std::string> unmatched;
  for (size_t i = 0; i < walk.matched.size(); ++i) {
    if (!walk.matched[i]) unmatched.push_back(compiled->includes()[i]);
  }
  KILN_TRY(settle_unmatched(globs, unmatched_message(globs, *compiled, unmatched), part.warnings));
  return part;
}

}  // namespace kiln::intrinsics
