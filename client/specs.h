// Specs, globs and paths as a person types them, made into what the daemon takes: relative to the
// workspace root. And the way back: what is printed can be typed in the same place.
//
// What:    a path is as seen from the current directory, if that is in the workspace (a plain path
//          that the shell completed there works), else from the root; "//path" is from the root
//          wherever it is typed; an absolute one must be in the workspace. "::" alone is the whole
//          workspace. "-" in front of a spec and "!" in front of a glob stay in front.
// Threads: immutable.
// Fails:   a path that leads out of the workspace, with the root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/types/path_from.h"

namespace kiln {

// Whether an argument is a spec that takes away ("-dir::", "-a/b.sh", "-./b") and no option.
bool is_excluding_spec(const std::string& argument);

class SpecResolver {
 public:
  // Both absolute and without symlinks.
  SpecResolver(std::string root, const std::string& here);

  // A spec.
  Result<std::string> resolve(std::string_view typed) const;
  // A glob. An exclude without a slash ("!*.o") is a name at any depth, as in a .gitignore file.
  Result<std::string> glob(std::string_view typed) const;
  // A path that is no glob, such as a directory to write into.
  Result<std::string> path(std::string_view typed) const;

  // The current directory below the root; empty: the root, or somewhere outside.
  const std::string& here() const { return below_; }
  // A path of the workspace as it is typed here.
  std::string shown(std::string_view path) const { return path_from(below_, path); }

 private:
  Result<std::string> relative(std::string_view path, bool escape) const;
  Result<std::string> relative_to(std::vector<std::string> here, std::string_view path,
                                  bool escape) const;
  Result<std::vector<std::string>> parent_of(const std::string& path) const;
  Error misplaced(std::string_view what, std::string_view typed, const Error& error) const;

  const std::string root_;
  std::string below_;
};

}  // namespace kiln
