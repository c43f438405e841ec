// The holder: a process that owns the user namespace, the memory file system and the slots of all
// confined processes of one daemon. Everything that it made is gone when it ends.
//
// Its root is a tmpfs: "/host" is the root of the machine, "/NUMBER" holds the directories of the
// slot of that number. No path of the machine leads there.
// Threads: a process of its own with one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "daemon/confine/support.h"
#include "daemon/confine/view.h"

namespace kiln::confine {

// What the daemon sends, a message each: a view, encoded. The holder makes a slot of it.
// The number of the slot stands first; the daemon never uses a number twice.
struct SlotRequest {
  uint32_t number = 0;
  View view;
  std::string encode() const;
  static SlotRequest decode(const std::string& bytes);
};
inline constexpr size_t kMaxRequestBytes = size_t{64} << 10;

// What the holder answers, once when it is ready, with the descriptor of its root, and once for
// each request, with a pidfd of the slot's first process.
struct Report {
  bool ok = false;
  Part part = Part::kUserNamespace;  // which failed
  pid_t init = -1;                   // of the slot: its first process, which does nothing
  char message[400] = {};            // why it failed
};

// Becomes the holder; serves until the other end of `socket` (SOCK_SEQPACKET) is closed. The memory
// file system holds `bytes` at most.
[[noreturn]] void run_holder(int socket, uint64_t bytes);

// Sends or receives one report with at most one descriptor. False: the other side is gone.
bool send_report(int socket, const Report& report, int fd);
bool receive_report(int socket, Report& report, int& fd);

}  // namespace kiln::confine
