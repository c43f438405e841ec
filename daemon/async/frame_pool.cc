#include "daemon/async/frame_pool.h"

#include <array>
#include <new>
#include <utility>

#include "daemon/async/frame_slab.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KILN_FRAMES_FROM_MALLOC 1
#endif
#endif

namespace kiln::frame_pool {

#ifdef KILN_FRAMES_FROM_MALLOC

void* allocate(size_t bytes) { return ::operator new(bytes); }
void deallocate(void* frame, size_t) noexcept { ::operator delete(frame); }

#else

namespace {

constexpr size_t kStep = 16;
constexpr size_t kClasses = 128;  // frames up to 2 KiB
// Per thread: what a request needs time and again. The rest returns to its slab, since a frame that
// lies here keeps the whole of it, and frames that one thread makes and another ends pile up here.
constexpr size_t kMaxFreeBytes = size_t{64} << 10;

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  std::array<FreeFrame*, kClasses> free{};
  size_t room = kMaxFreeBytes;

  FrameSlab* slab = nullptr;  // what this thread carves from

  ~Pool() {
    room = 0;  // frames that outlive this thread's pool go straight to their slabs
    for (FreeFrame*& head : free) {
      while (head != nullptr) FrameSlab::give_back(std::exchange(head, head->next));
    }
    if (slab != nullptr) std::exchange(slab, nullptr)->close();
  }

  void* carve(size_t bytes) {
    if (slab != nullptr) {
      if (void* frame = slab->carve(bytes)) [[likely]]
        return frame;
      std::exchange(slab, nullptr)->close();
    }
    slab = FrameSlab::make();
    return slab->carve(bytes);
  }
};

thread_local Pool pool;

size_t class_of(size_t bytes) { return (bytes + kStep - 1) / kStep - 1; }
size_t bytes_of(size_t c) { return (c + 1) * kStep; }

}  // namespace

void* allocate(size_t bytes) {
  const size_t c = class_of(bytes);
  if (c >= kClasses) return ::operator new(bytes);
  FreeFrame*& head = pool.free[c];
  if (head == nullptr) return pool.carve(bytes_of(c));
  pool.room += bytes_of(c);
  return std::exchange(head, head->next);
}

void deallocate(void* frame, size_t bytes) noexcept {
  const size_t c = class_of(bytes);
  if (c >= kClasses) return ::operator delete(frame);
  if (pool.room < bytes_of(c)) return FrameSlab::give_back(frame);
  FreeFrame*& head = pool.free[c];
  head = ::new (frame) FreeFrame{head};
  pool.room -= bytes_of(c);
}

#endif

}  // namespace kiln::frame_pool
