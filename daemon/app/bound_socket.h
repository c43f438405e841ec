// BoundSocket: a listening Unix socket and the name that it has in the file system.
//
// Threads: single-owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::app {

class BoundSocket {
 public:
  // Makes the name, of mode 0600; replaces what has it.
  static Result<BoundSocket> bind(const std::string& path);

  enum class Name : uint8_t { kOurs, kGone, kAnothers };
  // Who has the name now. kAnothers: somebody else listens there; what nobody listens at is gone.
  Name name() const;
  // Removes the name if it is ours.
  void remove_name() const;
  int fd() const { return fd_.get(); }

 private:
  BoundSocket(std::string path, UniqueFd fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}
  bool is_ours() const;

  std::string path_;
  UniqueFd fd_;
  dev_t device_;  // of the name
  ino_t inode_;
};

}  // namespace kiln::app
