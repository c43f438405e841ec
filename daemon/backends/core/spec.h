// One spec: what a person wrote, and which globs it stands for.
// Threads: immutable.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/types/rel_path.h"

namespace kiln::backends {

struct Spec {
  enum class Kind : uint8_t {
    kPath,       // a file, or the files in a directory
    kDirectory,  // "dir/", "dir:": the files in it
    kTree,       // "dir::": all files below
    kGlob,
  };

  std::string text;  // as it was written
  Kind kind = Kind::kPath;
  bool excludes = false;
  RelPath path;      // unless it is a glob
  std::string glob;  // what it matches

  bool is_everything() const { return kind == Kind::kTree && path.is_root() && !excludes; }
  // The glob of the files in the directory that a kPath turned out to be.
  std::string glob_inside() const;
  // For a kTree: the exclude of PathGlobs that keeps a walk from entering it, if there is one.
  std::optional<std::string> pruning_glob() const;
};

// Fails: a path that is absolute or leads out of the workspace, a glob that is none.
Result<Spec> parse_spec(const std::string& text);

}  // namespace kiln::backends
