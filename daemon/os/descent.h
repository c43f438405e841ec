// Descent: a way down into a tree of directories and back up, however deep.
//
// What:    a stack of directories, of which the last is the current one. Only the last few have a
//          descriptor open; further up, the way back leads through "..", whose identity is checked.
//          So depth costs neither descriptors nor stack.
// Threads: single-owner. Blocking.
// Fails:   a name that is not a directory (symlinks are not followed); ESTALE if somebody moved a
//          directory that is on the way.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::os {

class Descent {
 public:
  explicit Descent(UniqueFd top) { levels_.push_back(Level{std::move(top), 0, 0}); }

  // The current directory, open for reading.
  int fd() const { return levels_.back().fd.get(); }
  // Directories between the top and the current one, which counts; 0 at the top.
  size_t depth() const { return levels_.size() - 1; }

  // Makes the directory `name` in the current one the current one.
  Result<void> enter(const char* name);
  // The same, for one that is open already.
  Result<void> enter(UniqueFd directory);
  // Makes the parent current. Not at the top.
  Result<void> leave();

 private:
  struct Level {
    UniqueFd fd;
    // Known once `fd` was closed.
    uint64_t device;
    uint64_t inode;
  };
  std::vector<Level> levels_;
};

}  // namespace kiln::os
