// GlobQuery: what a walk of the workspace looks for; shared by all nodes of that walk.
// Threads: immutable.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/base/result.h"
#include "common/types/hash.h"
#include "daemon/os/glob.h"
#include "daemon/os/ignore.h"

namespace kiln::intrinsics {

struct GlobQuery {
  std::shared_ptr<const os::GlobSet> globs;
  // Option `ignore`: gitignore patterns on top of .gitignore files.
  std::shared_ptr<const os::IgnoreRules> ignore;
  // Names only: files are neither read nor hashed, and have the empty digest in the result. What a
  // capture would refuse (a name that is not UTF-8, a link in circles) is left out, with a note.
  bool names_only = false;
  Hash128 ignore_hash;
  Hash128 hash;  // of all of the above
};

// The default of the option `ignore`.
inline constexpr std::string_view kDefaultIgnore = ".*/\n/dist/\n__pycache__/\n";

// `ignore_patterns`: one pattern a line.
Result<std::shared_ptr<const GlobQuery>> make_glob_query(std::span<const std::string> globs,
                                                         std::string_view ignore_patterns,
                                                         bool names_only);

}  // namespace kiln::intrinsics
