// Which paths a git index names: the tracked files of a repository.
//
// Source:  https://git-scm.com/docs/index-format: versions 2, 3 and 4, SHA-1 and SHA-256
//          repositories, split indexes (the extension "link").
// Threads: pure functions, immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln::os {

struct GitIndex {
  // In the order of the file, which is sorted by bytes. A file in conflict appears once for each
  // stage. A directory of a sparse index ends in a slash.
  std::vector<std::string> paths;

  // A split index: `paths` come on top of those of the file sharedindex.NAME beside it.
  struct Base {
    std::string name;           // lower-case hex
    std::vector<bool> deleted;  // by position in the base; positions past the end are kept
  };
  std::optional<Base> base;  // nothing if the index is whole
};

// `hash_bytes` is 20 in a SHA-1 repository and 32 in a SHA-256 one. Fails for a version or a
// mandatory extension that is not known, and for bytes that are no index.
Result<GitIndex> parse_git_index(std::string_view bytes, size_t hash_bytes);

// The paths of a split index and its base together, sorted and unique.
std::vector<std::string> joined_paths(const GitIndex& index, const GitIndex& base);

}  // namespace kiln::os
