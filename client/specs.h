// Specs as a person types them, made into what the daemon takes: relative to the workspace root.
//
// What:    a path is as seen from the current directory, if that is in the workspace (a plain path
//          that the shell completed there works), else from the root; an absolute one must be in
//          the workspace. "::" alone is the whole workspace, wherever it is typed. "-" in front
//          stays in front.
// Threads: immutable.
// Fails:   a path that leads out of the workspace, with the root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln {

// Whether an argument is a spec that takes away ("-dir::", "-a/b.sh", "-./b") and no option.
bool is_excluding_spec(const std::string& argument);

class SpecResolver {
 public:
  // Both absolute and without symlinks.
  SpecResolver(std::string root, const std::string& here);

  Result<std::string> resolve(std::string_view typed) const;

 private:
  Result<std::string> relative(std::string_view path, bool escape) const;
  Result<std::string> relative_to(std::vector<std::string> here, std::string_view path,
                                  bool escape) const;
  Result<std::vector<std::string>> parent_of(const std::string& path) const;

  const std::string root_;
  std::string below_;  // of the root: the current directory; empty: it, or outside
};

}  // namespace kiln
