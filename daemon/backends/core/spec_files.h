// Specs as files of the workspace.
//
// What:    `::` is everything, `dir::` everything below, `dir:` and `dir/` what is directly in it,
//          a path is that file (or `path/`, if it is a directory), a path with `*`, `?` or `[` is a
//          glob, and `-` in front takes away. No spec is no file.
// Fails:   a spec that matches nothing, with the nearest names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/intrinsics/specs.h"
#include "daemon/rules/rule_set.h"

namespace kiln::backends {

// The files that specs match: sorted paths below the workspace root. Their names only: an edit of
// one does not change this.
struct SpecFiles {
  static constexpr std::string_view kTypeName = "SpecFiles";

  std::vector<std::string> files;

  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const SpecFiles&, const SpecFiles&) = default;
};
size_t footprint(const SpecFiles& files);

// SpecFiles of Specs. Roots: Specs.
rules::RuleSet spec_rules();

}  // namespace kiln::backends
