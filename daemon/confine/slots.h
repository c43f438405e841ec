// Slots: ready-made places for confined processes, each used by one process at a time.
//
// A slot is a set of namespaces with an own root (slot_root.h) and three own directories in memory.
// Slots are made in the background, emptied after a process and used again; one in which anything
// unusual was left is thrown away.
// Owns:    the slots, a thread that empties and makes them.
// Threads: thread-safe. Blocking.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/ids.h"
#include "daemon/confine/entry.h"
#include "daemon/confine/holder.h"
#include "daemon/confine/view.h"
#include "daemon/os/process_tag.h"

namespace kiln::confine {

class Slots;
class SlotState;

// One slot, for one process. Goes back when destroyed; everything in it is killed before.
class Slot {
 public:
  Slot(Slot&&) noexcept;
  Slot& operator=(Slot&&) = delete;
  ~Slot();

  // The directory that the process sees as /sandbox, empty at first.
  int sandbox_fd() const;
  // As start_in(). Call it once.
  Result<os::Child> start(const Command& command);
  // Sends `signal` to every process in the slot.
  Result<void> signal_all(int signal);
  // Call after the process that was started has been reaped. Kills whatever else is alive in the
  // slot and waits, until `deadline` at most, for it to be dead: then nobody can change the slot's
  // files any more, and the answer is complete.
  Result<os::Killed> settle(Deadline deadline);
  // Kills everything in the slot, also a process that is not reaped.
  void kill();

 private:
  friend class Slots;
  Slot(Slots& slots, std::unique_ptr<SlotState> state);
  Slots* slots_;
  std::unique_ptr<SlotState> state_;
};

class Slots {
 public:
  // Keeps up to `ready` unused slots of the view that was asked for last.
  Slots(std::unique_ptr<Holder> holder, size_t ready, Log& log);
  // Every Slot is gone before.
  ~Slots();

  // A ready slot, or a new one (a millisecond or two).
  Result<Slot> take(const View& view);

  // What keeps slots from working on this machine: makes one and starts a process in it.
  Support probe();

 private:
  friend class Slot;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::confine
