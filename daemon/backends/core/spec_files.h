// Specs as files of the workspace.
//
// What:    paths are relative to the workspace root. `::` is everything, `dir::` everything below,
//          `dir:` and `dir/` what is directly in it, a path is that file (or `path/`, if it is a
//          directory; `.` is the root), a path with `*`, `?` or `[` is a glob, and `-` in front
//          takes away. What cannot be taken (a name that is not UTF-8, a link that leads in circles
//          or out of the workspace) is left out, with a warning.
// Fails:   no spec at all; one that is no path; one that matches nothing, with the nearest names.
//          Only `::` may: a workspace may be empty.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/intrinsics/specs.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/rule_set.h"

namespace kiln::backends {

// The files that specs match: sorted paths below the workspace root. Their names only: an edit of
// one does not change this.
struct SpecFiles {
  static constexpr std::string_view kTypeName = "SpecFiles";

  std::vector<std::string> files;
  std::vector<std::string> warnings;  // what was left out; specs that took nothing away

  static void fields(auto& self, auto&& field) {
    field("files", self.files);
    field("warnings", self.warnings);
  }
  friend bool operator==(const SpecFiles&, const SpecFiles&) = default;
};
size_t footprint(const SpecFiles& files);

// Those of the files that a spec names, without glob or directory.
std::vector<std::string> named_files(const intrinsics::Specs& specs, const SpecFiles& files);

// A line of standard error for each warning.
void print_warnings(rules::Console& console, const std::vector<std::string>& warnings);

// SpecFiles of Specs. Roots: Specs.
rules::RuleSet spec_rules();

}  // namespace kiln::backends
