// The lock that a daemon holds for life, and what it says about its holder: clients that look for
// the daemon of a home in another runtime directory than its own find it here.
//
// What:    an flock(2) on KILN_HOME/daemon.lock, whose content is a line "PID SOCKET", PID
//          namespace and boot (tabs before the last two) while its holder serves or finishes its
//          work, and nothing while it starts or goes. Only the lock says that somebody lives; the
//          content of a file that nobody holds means nothing. A process number means something in
//          its own PID namespace and boot alone.
// Owns:    the lock, until destruction; by death of the process at the latest.
// Threads: single-owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

class LifeLock {
 public:
  // Nothing if somebody else holds it.
  static Result<std::optional<LifeLock>> try_take(const std::string& path);

  // From now on this process serves at `socket`, or nowhere any more.
  Result<void> announce(const std::string& socket);
  void retract();

 private:
  LifeLock(UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  UniqueFd file_;
  std::string path_;
};

struct LifeLockHolder {
  pid_t pid = 0;
  std::string socket;
  uint64_t pid_namespace = 0;  // inode of /proc/self/ns/pid; 0: an older daemon, which did not say
  std::string boot;            // /proc/sys/kernel/random/boot_id

  // Whether this kernel has run since the holder started.
  bool is_of_this_boot() const;
  // Whether `pid` is the holder here, too.
  bool is_near() const;
  bool operator==(const LifeLockHolder&) const = default;
};

// Whether anybody holds the lock.
Result<bool> life_lock_held(const std::string& path);

// Who holds the lock and serves; nothing if nobody does, or if the holder starts or goes.
Result<std::optional<LifeLockHolder>> life_lock_holder(const std::string& path);

}  // namespace kiln
