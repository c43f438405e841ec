// Where coroutine frames come from: thread-local free lists by size class, so that starting a
// coroutine costs a few nanoseconds instead of a malloc; filled from slabs (frame_slab.h).
// Threads: thread-safe; a frame freed on another thread goes to that thread's list.
// Under AddressSanitizer frames come from malloc, so that it sees every misuse.
#pragma once

#include <cstddef>

namespace kiln::frame_pool {

void* allocate(size_t bytes);
void deallocate(void* frame, size_t bytes) noexcept;

}  // namespace kiln::frame_pool
