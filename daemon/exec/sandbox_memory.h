// SandboxMemory: sandboxes of the level plain that are made in memory.
//
// What:    finds a tmpfs in which this user can make and execute files, and lends directories there
//          to processes whose inputs fit. While any is lent it watches how much room is left; when
//          too little is, it stops what runs there, so that its caller runs it again on disk.
// Owns:    one directory of that tmpfs, locked for its own life, with all in it, and a thread.
// Threads: thread-safe. Blocking.
// Fails:   never in use: what it cannot lend is made on disk.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "daemon/exec/sandbox_pool.h"
#include "daemon/store/tree.h"
#include "daemon/trace/counters.h"

namespace kiln::exec {

class SandboxMemory;

// A directory in memory, for one process. Goes back when destroyed.
class MemorySandbox {
 public:
  MemorySandbox(MemorySandbox&&) noexcept;
  MemorySandbox& operator=(MemorySandbox&&) = delete;
  ~MemorySandbox();

  SandboxDirectory& directory() { return *directory_; }
  // Fires when there is too little room for what runs here, and when `caller` of take() fires.
  std::stop_token stop() const;
  // There is too little room, or was while this was lent: what ran here may have seen a full disk
  // and is to be run again. Looks at the file system afresh.
  bool outgrown();

 private:
  friend class SandboxMemory;
  struct Lease;
  MemorySandbox(SandboxMemory& memory, SandboxDirectory directory, std::shared_ptr<Lease> lease);

  SandboxMemory* memory_;  // null: moved from
  std::optional<SandboxDirectory> directory_;
  std::shared_ptr<Lease> lease_;
};

class SandboxMemory {
 public:
  struct Use {
    std::string directory;
    uint64_t lent = 0;  // bytes that the inputs of running processes take
    uint64_t room = 0;  // bytes that are left, of the file system or of the machine's memory
  };

  // In the first of `places` that serves and has 1 GiB of room; null, and a line in the log, if
  // none does.
  static std::unique_ptr<SandboxMemory> find(const std::vector<std::string>& places,
                                             uint32_t instance, Counters& counters, Log& log);
  // Below `parent`, an absolute path of a directory in a tmpfs of any size. Removes what dead
  // daemons of this user left there. `instance` keeps the daemons of a user apart. Fails with what
  // is wrong with the place.
  static Result<std::unique_ptr<SandboxMemory>> open(const std::string& parent, uint32_t instance,
                                                     Counters& counters, Log& log);
  // Every MemorySandbox is gone before.
  ~SandboxMemory();

  // Nothing if `inputs` do not fit into a quarter of the room that is left, together with those of
  // all that is lent.
  std::optional<MemorySandbox> take(const store::Extent& inputs, std::stop_token caller);
  Use use() const;

 private:
  friend class MemorySandbox;
  struct Impl;
  explicit SandboxMemory(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::exec
