// Whether a file can still be written without a further open.
// Threads: stateless, thread-safe.
#pragma once

namespace kiln::os {

// Whether anybody has the file open for writing, be it by a shared mapping whose descriptor is
// closed. `fd` is open for reading only. False where it cannot be told: a file of somebody else, a
// file system without leases.
bool open_for_writing(int fd);

}  // namespace kiln::os
