// SandboxPool: the private directories in which processes run.
//
// What:    hands out empty directories (0700) and takes them back; what processes left in them is
//          removed by a thread of low priority, and an emptied directory is used again, because
//          making one can be the dearest part of a small process (README).
// Owns:    the directory it is given and all in it named run-*, keep-*; the thread.
// Threads: thread-safe. Blocking.
// Fails:   a directory that cannot be made or written. What cannot be removed is logged and left
//          for the next start.
#pragma once

#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/trace/counters.h"

namespace kiln::exec {

class SandboxPool;

// One directory, for one process. Goes back to the pool when destroyed.
class SandboxDirectory {
 public:
  SandboxDirectory(SandboxDirectory&& other) noexcept;
  SandboxDirectory& operator=(SandboxDirectory&&) = delete;
  ~SandboxDirectory();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }  // absolute
  // Leaves it where it is, for a person to look at.
  void keep() { pool_ = nullptr; }
  // It is removed, and not used again: somebody may still reach it.
  void retire() { reusable_ = false; }
  // However many wait to be emptied, it is not emptied on the thread that gives it back.
  void empty_aside() { aside_ = true; }

 private:
  friend class SandboxPool;
  SandboxDirectory(SandboxPool& pool, std::string name, bool reusable, UniqueFd fd);

  SandboxPool* pool_;  // null: kept, or moved from
  std::string name_;
  std::string path_;
  bool reusable_;
  bool aside_ = false;
  UniqueFd fd_;
};

class SandboxPool {
 public:
  // Makes `directory` if it is missing. Removes, in the background, what an earlier life left,
  // but for what was to be kept.
  static Result<std::unique_ptr<SandboxPool>> open(const std::string& directory, Counters& counters,
                                                   Log& log);
  // Removes what was given back, as far as that takes a moment; the rest is left for the next
  // start. Every SandboxDirectory is gone before.
  ~SandboxPool();

  // `may_be_kept`: it survives a restart of the daemon, too.
  Result<SandboxDirectory> take(bool may_be_kept);

 private:
  friend class SandboxDirectory;
  struct Impl;
  explicit SandboxPool(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::exec
