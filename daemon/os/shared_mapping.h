// What can be known of stores through shared mappings, for which nobody makes a system call.
// Threads: stateless, thread-safe.
#pragma once

namespace kiln::os {

// Whether anybody has the file open for writing, be it by a shared mapping whose descriptor is
// closed. `fd` is open for reading only. False where it cannot be told: a file of somebody else, a
// file system without leases.
bool open_for_writing(int fd);

// Whether the first store of each mapping into a page moves the file's times. Not so in memory
// (tmpfs), where a page that was loaded before is writable at once.
bool stores_move_times(int fd);

}  // namespace kiln::os
