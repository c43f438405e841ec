// Premises: what a daemon stands on. If somebody removes one of its directories while it runs, or
// puts another in its place, its store is void, and it is to go: the next daemon makes new ones.
// The same if damage has stopped its database: the next daemon repairs it.
//
// Threads: immutable.
// Fails:   to be made, if a directory cannot be looked at.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::app {

class Premises {
 public:
  // The directories as they are now; `damage_note` is the path of a file that says, once it exists,
  // that the store cannot be used any more.
  static Result<Premises> of(const std::vector<std::string>& directories, std::string damage_note);

  // Why the daemon has to go; nothing while each path still leads to the directory that was there
  // and there is no note. A system call for each.
  std::optional<std::string> trouble() const;

 private:
  struct Place {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  std::vector<Place> places_;
  std::string damage_note_;
};

}  // namespace kiln::app
