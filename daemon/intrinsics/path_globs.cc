#include "daemon/intrinsics/path_globs.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
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

// Whether the exclude looks at the name of an entry alone, wherever that stands (gitignore(5): a
// pattern without a slash, but for one at its end).
bool looks_at_name_alone(std::string_view exclude) {
  if (exclude.ends_with('/')) exclude.remove_suffix(1);
  return exclude.find('/') == std::string_view::npos;
}

// One subset(): goes down where globs can still match.
class Subset {
 public:
  Subset(const store::Tree& whole, const os::GlobSet& globs, const std::stop_token& stop)
      : whole_(whole),
        globs_(globs),
        stop_(stop),
        remembers_(std::ranges::all_of(globs.excludes(), looks_at_name_alone)),
        matched_(globs.includes().size()) {}

  Result<store::TreePtr> of(const store::TreePtr& tree, const RelPath& prefix,
                            const os::GlobState& state) {
    std::pair key{tree->digest(), state.positions};
    if (remembers_) {
      if (const auto known = parts_.find(key); known != parts_.end()) return known->second;
    }
    std::vector<store::Entry> entries;
    for (const store::Entry& entry : tree->entries()) {
      KILN_TRY(count());
      KILN_TRY(add(entry, prefix.child(entry.name), globs_.step(state, entry.name), entries));
    }
    store::TreePtr part = store::Tree::make(std::move(entries));
    part = made_.try_emplace(part->digest(), part).first->second;  // equal parts are one object
    if (remembers_) parts_.emplace(std::move(key), part);
    return part;
  }

  const std::vector<bool>& matched() const { return matched_; }

 private:
  Result<void> add(const store::Entry& entry, const RelPath& path, const os::GlobSet::Step& step,
                   std::vector<store::Entry>& entries) {
    const auto* below = std::get_if<store::TreePtr>(&entry.node);
    const bool enters = below != nullptr && !step.below.dead();
    if ((step.matched.empty() && !enters) || globs_.excluded(path, below != nullptr)) return {};
    for (const uint32_t i : step.matched) matched_[i] = true;
    if (below == nullptr) {
      entries.push_back(entry);
      return {};
    }
    store::TreePtr part = store::Tree::empty();
    if (enters) {
      KILN_ASSIGN(part, of(*below, path, step.below));
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
  const bool remembers_;
  std::vector<bool> matched_;  // by index of includes()
  uint64_t seen_ = 0;
  // By directory and what is left to match in it; only if no exclude looks at whole paths.
  std::map<std::pair<Digest, std::vector<uint32_t>>, store::TreePtr> parts_;
  absl::flat_hash_map<Digest, store::TreePtr> made_;
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

Result<TreeSubset> subset(const store::TreePtr& tree, const PathGlobs& globs,
                          const std::stop_token& stop) {
  KILN_TRY(check(globs));
  KILN_ASSIGN(const auto compiled, os::GlobSet::compile(globs.globs));
  Subset walk(*tree, *compiled, stop);
  KILN_ASSIGN(store::TreePtr matching, walk.of(tree, RelPath(), compiled->root()));
  TreeSubset part{std::move(matching), {}};
  std::vector<std::string> unmatched;
  for (size_t i = 0; i < walk.matched().size(); ++i) {
    if (!walk.matched()[i]) unmatched.push_back(compiled->includes()[i]);
  }
  KILN_TRY(settle_unmatched(globs, unmatched_message(globs, *compiled, unmatched), part.warnings));
  return part;
}

}  // namespace kiln::intrinsics
