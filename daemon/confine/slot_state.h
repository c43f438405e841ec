// SlotState: what the daemon holds of one slot.
//
// Threads: single-owner. Blocking.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/ids.h"
#include "daemon/confine/entry.h"
#include "daemon/confine/holder.h"
#include "daemon/confine/view.h"

namespace kiln::confine {

// Identity and time of the host's files that a slot shows a copy or a fixed mount of. A slot that
// was made in another state would show what the host no longer has.
using HostState = std::vector<uint64_t>;
HostState host_state(const View& view);

class SlotState {
 public:
  // Opens what the holder made.
  static Result<SlotState> open(NewSlot slot, View view, HostState made_in, int holder_root_fd);

  const View& view() const { return view_; }
  const HostState& made_in() const { return made_in_; }
  int sandbox_fd() const { return sandbox_.get(); }
  // The name of its directory in the holder's root.
  std::string name() const { return std::to_string(slot_.number); }
  Namespaces namespaces() const {
    return {.init_pidfd = slot_.init_pidfd.get(), .own_network = view_.network != Network::kHost};
  }

  // Processes in the slot besides the first.
  Result<size_t> count_processes();
  // Whether connections outlive the processes that made them.
  bool has_connections() const;
  // Kills the slot's first process, and with it all others. The slot cannot be entered any more.
  Result<void> kill();
  // The same, and waits until all are dead. False: some are not at `deadline`.
  Result<bool> end(Deadline deadline);
  // Removes everything in the slot's directories. False: the slot cannot be used again.
  bool empty();

 private:
  SlotState() = default;

  NewSlot slot_;
  View view_;
  HostState made_in_;
  UniqueFd sandbox_;
  UniqueFd tmp_;
  UniqueFd shm_;
  UniqueFd proc_;           // the slot's /proc
  int64_t first_pid_ = 0;   // where the entry of process 1 stands in it
  UniqueFd socket_counts_;  // the slot's net/sockstat; only with an own loopback interface
  bool killed_ = false;
  bool ended_ = false;
};

}  // namespace kiln::confine
