#include "daemon/intrinsics/path_globs.h"

#include <absl/container/flat_hash_map.h>

#include <map>
#include <utility>

#include "daemon/store/limits.h"

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

// One subset(): goes down where globs can still match.
class Subset {
 public:
  Subset(const store::Tree& whole, const os::GlobSet& globs, const std::stop_token& stop)
      : whole_(whole), globs_(globs), stop_(stop), matched_(globs.includes().size()) {}

  Result<store::TreePtr> of(const store::TreePtr& tree, const os::GlobState& state) {
    std::pair key{tree->digest(), state};
    if (const auto known = parts_.find(key); known != parts_.end()) return known->second;
    std::vector<store::Entry> entries;
    for (const store::Entry& entry : tree->entries()) {
      KILN_TRY(count());
      KILN_TRY(add(entry, globs_.step(state, entry.name), entries));
    }
    store::TreePtr part = store::Tree::make(std::move(entries));
    part = made_.try_emplace(part->digest(), part).first->second;  // equal parts are one object
    parts_.emplace(std::move(key), part);
    return part;
  }

  std::vector<std::string> unmatched() const {
    std::vector<std::string> globs;
    for (size_t i = 0; i < matched_.size(); ++i) {
      if (!matched_[i]) globs.push_back(globs_.includes()[i]);
    }
    return globs;
  }

 private:
  Result<void> add(const store::Entry& entry, const os::GlobSet::Step& step,
                   std::vector<store::Entry>& entries) {
    const auto* below = std::get_if<store::TreePtr>(&entry.node);
    const bool enters = below != nullptr && !step.below.dead();
    if ((step.matched.empty() && !enters) || step.excluded(below != nullptr)) return {};
    for (const uint32_t i : step.matched) matched_[i] = true;
    if (below == nullptr) {
      entries.push_back(entry);
      return {};
    }
    store::TreePtr part = store::Tree::empty();
    if (enters) {
      KILN_ASSIGN(part, of(*below, step.below));
    }
    if (part->entries().empty() && step.matched.empty()) return {};
    entries.push_back({entry.name, std::move(part)});
    return {};
  }

  Result<void> count() {
    if (stop_.stop_requested()) {
      return user_error(ErrorCode::kCancelled, "the selection from a tree was cancelled");
    }
    if (++seen_ <= store::kMaxListed) return {};
    return user_error(
        ErrorCode::kResourceExhausted,
        "the globs have to look at more than " + std::to_string(store::kMaxListed) +
            " entries of the tree " + to_string(whole_.digest()) +
            ", which is the limit; use globs with a longer prefix, or '!' with names alone");
  }

  const store::Tree& whole_;
  const os::GlobSet& globs_;
  const std::stop_token& stop_;
  std::vector<bool> matched_;  // by index of includes()
  uint64_t seen_ = 0;
  std::map<std::pair<Digest, os::GlobState>, store::TreePtr> parts_;  // made of a directory so far
  absl::flat_hash_map<Digest, store::TreePtr> made_;
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

Result<TreeSubset> subset(const store::TreePtr& tree, const PathGlobs& globs,
                          const std::stop_token& stop) {
  KILN_TRY(check(globs));
  std::vector<std::string> named;
  named.reserve(globs.globs.size());
  for (const std::string& glob : globs.globs) named.push_back(named_in(*tree, glob));
  KILN_ASSIGN(const auto compiled, os::GlobSet::compile(named));
  Subset walk(*tree, *compiled, stop);
  KILN_ASSIGN(store::TreePtr matching, walk.of(tree, compiled->root()));
  TreeSubset part{std::move(matching), {}};
  KILN_TRY(settle_unmatched(globs, unmatched_message(globs, *compiled, walk.unmatched()),
                            part.warnings));
  return part;
}

}  // namespace kiln::intrinsics
