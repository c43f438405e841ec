// GlobQuery: what a walk of the workspace looks for; shared by all nodes of that walk.
// Threads: immutable.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "common/base/result.h"
#include "common/types/hash.h"
#include "daemon/os/glob.h"
#include "daemon/os/ignore.h"

namespace kiln::intrinsics {

// Which globs the rules hide files from.
enum class IgnoreRulesFor : uint8_t {
  kWildcards,  // what is named without wildcards is meant, whatever rule hides it
  kAll,
  kNone,
};
constexpr auto enum_names(IgnoreRulesFor) {
  return std::array<std::string_view, 3>{"wildcards", "all", "none"};
}

struct GlobQuery {
  std::shared_ptr<const os::GlobSet> globs;
  // Option `ignore`: gitignore patterns on top of .gitignore files.
  std::shared_ptr<const os::IgnoreRules> ignore;
  IgnoreRulesFor rules = IgnoreRulesFor::kWildcards;
  // Names only: files are neither read nor hashed, and have the empty digest in the result. What a
  // capture would refuse (a name that is not UTF-8, a link in circles) is left out, with a note.
  bool names_only = false;
  Hash128 hash;  // of all of the above
};

// `ignore_patterns`: one pattern a line.
Result<std::shared_ptr<const GlobQuery>> make_glob_query(
    std::span<const std::string> globs, std::string_view ignore_patterns, bool names_only,
    IgnoreRulesFor rules = IgnoreRulesFor::kWildcards);

}  // namespace kiln::intrinsics
