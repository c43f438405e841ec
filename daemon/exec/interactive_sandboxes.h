// InteractiveSandboxes: directories for processes that clients run in their own terminals.
//
// What:    makes the inputs of one process in a private directory. The client starts the process
//          there; the daemon only gives the place and takes it back. When the place is given back,
//          every process that carries its tag is killed, and the directory is removed.
// Owns:    the directory it is given.
// Threads: thread-safe. Blocking.
// Cancels: make() stops at the next input when `stop` fires, with kCancelled.
// Fails:   content that the store lacks, a full disk.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "daemon/exec/sandbox_pool.h"
#include "daemon/os/process_tag.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::exec {

// What a client runs, before its sandbox has a path: "{chroot}" stands in arguments and variables.
struct InteractiveCommand {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  RelPath working_directory;
};

// Where a client starts its process, and with what.
class InteractivePlace {
 public:
  // In a sandbox.
  InteractivePlace(SandboxDirectory sandbox, const InteractiveCommand& command, os::ProcessTag tag);
  // In a directory that is not the daemon's, such as the workspace; absolute.
  InteractivePlace(const std::string& directory, const InteractiveCommand& command,
                   os::ProcessTag tag);
  ~InteractivePlace();
  InteractivePlace(const InteractivePlace&) = delete;
  InteractivePlace& operator=(const InteractivePlace&) = delete;

  const std::vector<std::string>& argv() const { return argv_; }
  const std::map<std::string, std::string>& env() const { return env_; }
  const std::string& directory() const { return directory_; }  // absolute
  // Carried by the process and its descendants.
  os::ProcessTag tag() const { return tag_; }

 private:
  void resolve(const std::string& root, const InteractiveCommand& command);

  std::optional<SandboxDirectory> sandbox_;
  const os::ProcessTag tag_;
  std::vector<std::string> argv_;
  std::map<std::string, std::string> env_;
  std::string directory_;
};

class InteractiveSandboxes {
 public:
  // `instance` tells this daemon's processes from another's (SandboxOptions).
  static Result<std::unique_ptr<InteractiveSandboxes>> open(const std::string& directory,
                                                            uint32_t instance, store::Store& store,
                                                            Counters& counters, Log& log);

  Result<std::unique_ptr<InteractivePlace>> make(const InteractiveCommand& command,
                                                 store::TreePtr inputs, std::stop_token stop);
  // In `directory`, which exists. No sandbox is made.
  std::unique_ptr<InteractivePlace> make_in(const std::string& directory,
                                            const InteractiveCommand& command);

 private:
  InteractiveSandboxes(std::unique_ptr<SandboxPool> pool, uint32_t instance, store::Store& store)
      : pool_(std::move(pool)), instance_(instance), store_(store) {}
  os::ProcessTag next_tag();

  const std::unique_ptr<SandboxPool> pool_;
  const uint32_t instance_;
  store::Store& store_;
  std::atomic<uint32_t> sequence_ = 0;
};

}  // namespace kiln::exec
