// What a daemon says when this machine does not give it the memory or the threads that it needs.
//
// Threads: for the main thread, once in a process.
#pragma once

#include "common/base/result.h"

namespace kiln::app {

// Whether the limit of the address space leaves room for a daemon.
// Fails: with `resource_exhausted`, which says how much is needed and which limit is in the way.
Result<void> check_address_space();

// From now on a process that cannot go on (an exception that nobody catches, a library that gives
// up) says which limits it has, at `fd` and with exit code 125, instead of what the C++ runtime
// says. Until end_last_words(); after that it says so on standard error and aborts.
void begin_last_words(int fd);
void end_last_words();

}  // namespace kiln::app
