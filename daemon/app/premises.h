// Premises: the directories that a daemon stands on. If somebody removes them while it runs, or
// puts others in their place, its store is void, and it is to go: the next daemon makes new ones.
//
// Threads: immutable.
// Fails:   to be made, if a directory cannot be looked at.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::app {

class Premises {
 public:
  // As they are now.
  static Result<Premises> of(const std::vector<std::string>& directories);

  // Whether each of the paths still leads to the directory that was there. A system call for each.
  bool in_place() const;

 private:
  struct Place {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  std::vector<Place> places_;
};

}  // namespace kiln::app
