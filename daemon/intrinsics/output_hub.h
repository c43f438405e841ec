// OutputHub: what running processes write, to everyone who follows them.
//
// Model:   a process is known by its memo key. Followers may come before it starts or while it
//          runs; each counts the bytes it was given, so that it can fetch what it missed from the
//          finished result. A follower is never waited for.
// Threads: thread-safe; followers are called on the thread that runs the process.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/sync.h"
#include "common/types/hash.h"
#include "daemon/exec/runner.h"

namespace kiln::intrinsics {

// One client's view of one process.
class OutputFollower {
 public:
  virtual ~OutputFollower() = default;
  virtual void started(const std::string& sandbox_path) = 0;
  // Bytes at `offset` of a stream. False: not taken (the client reads too slowly, or joined too
  // late to know what came before); no more of this stream is offered.
  virtual bool output(exec::ProcessObserver::Stream stream, uint64_t offset,
                      std::string_view bytes) = 0;
};

class OutputHub {
 public:
  // Follows the process of `key` until the handle goes.
  class Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept;
    Handle& operator=(Handle&& other) noexcept;
    ~Handle();

   private:
    friend class OutputHub;
    Handle(OutputHub* hub, Hash128 key, uint64_t member) : hub_(hub), key_(key), member_(member) {}
    OutputHub* hub_ = nullptr;
    Hash128 key_;
    uint64_t member_ = 0;
  };
  // `keep` is this caller's wish, should the process run now. Without a follower (null) the wish is
  // all that is noted.
  Handle follow(const Hash128& key, OutputFollower* follower, exec::KeepSandboxes keep);

  // For the one that runs it: the observer to hand to the runner, and the strongest wish.
  std::unique_ptr<exec::ProcessObserver> open(const Hash128& key);
  exec::KeepSandboxes keep(const Hash128& key) const;

 private:
  struct Member {
    uint64_t id = 0;
    OutputFollower* follower = nullptr;  // may be null
    exec::KeepSandboxes keep = exec::KeepSandboxes::kNever;
    bool takes[2] = {true, true};  // stdout, stderr
  };
  struct Members : std::map<Hash128, std::vector<Member>> {
    uint64_t last_id = 0;
  };
  class Broadcast;

  void leave(const Hash128& key, uint64_t member);

  Synchronized<Members> members_;
};

}  // namespace kiln::intrinsics
