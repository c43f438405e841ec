// Families: the processes that run, each with all its descendants, and how a family is ended.
//
// What:    a family is one spawned process, its leader, and every descendant. Descendants carry the
//          family's tag (os/process_tag.h). One that sheds the tag is still found, because
//          this process is a subreaper: when its parent dies it becomes a child of this process,
//          a stray. A stray belongs to a family if it is in a session or group of the leader, or
//          reaches into the family's sandbox, or if no other family has been alive since its birth.
//          The first thread of this process starts no processes after Families was made: all of its
//          children are taken for strays.
// Owns:    leaders that could not be reaped in time; they are reaped when they can be.
// Threads: thread-safe. Blocking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "daemon/exec/runner.h"
#include "daemon/os/child_processes.h"
#include "daemon/os/spawn.h"

namespace kiln::exec {

struct Family {
  os::ProcessTag tag = 0;
  SlotId slot;          // that it holds
  std::string sandbox;  // absolute path
};

class Families {
 public:
  static Result<std::unique_ptr<Families>> make();
  ~Families();

  // A family for as long as this lives. Made before its leader is spawned.
  class Member {
   public:
    Member(Families& families, Family family);
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    os::ProcessTag tag() const { return family_.tag; }
    void set_leader(const os::Child& leader);
    // Kills what is left of the family, on the thread that spawned the leader; the leader has ended
    // or is beyond ending, and is not reaped. Returns at `deadline` at the latest. Incomplete:
    // something is alive, or it cannot be told whose a stray is; then the sandbox is not to be
    // used again.
    os::Killed end(Deadline deadline);
    // Takes over a leader that cannot be reaped now.
    void abandon(os::Child leader);

   private:
    friend class Families;
    Families& families_;
    const Family family_;
  };

  // The slot that the family of process `pid` holds; of value 0 if it belongs to none.
  SlotId slot_of(pid_t pid);

 private:
  struct Live {
    const Family* family = nullptr;
    pid_t leader = 0;  // 0: not spawned yet
    os::Birth birth;
    bool ending = false;
  };
  // A child of this process that is not to be ended: it was there before the first family, or it
  // was killed and does not die.
  struct Spared {
    pid_t pid = 0;
    uint64_t birth = 0;
  };
  struct State {
    std::vector<Live> live;
    std::vector<Spared> spared;
    std::vector<os::Child> abandoned;
  };
  enum class Owner : uint8_t { kFamily, kOther, kUnknown };

  explicit Families(os::ChildList orphans);
  os::Killed end_family(const Family& family, Deadline deadline);
  os::Killed kill_strays(const Live& live, const std::vector<pid_t>& siblings, Deadline deadline);
  Owner owner_of_sibling(pid_t pid, const Live& live);
  Owner owner_of_orphan(pid_t pid, const Live& live);
  void spare(pid_t pid);
  bool is_spared(pid_t pid, const os::ProcessFacts& facts) const;
  bool is_abandoned(pid_t pid) const;
  void kill_stray(pid_t pid, Deadline deadline, os::Killed& killed);
  void reap_abandoned();
  std::vector<Live> others(const Family& family) const;

  const os::ChildList orphans_;
  Synchronized<State> state_;
};

}  // namespace kiln::exec
