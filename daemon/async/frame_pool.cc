#include "daemon/async/frame_pool.h"

#include <array>
#include <cstdlib>
#include <new>

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
constexpr size_t kClasses = 128;          // frames up to 2 KiB
constexpr size_t kMaxFreeInClass = 4096;  // per thread; the rest returns to malloc

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  struct Class {
    FreeFrame* head = nullptr;
    size_t size = 0;
  };
  std::array<Class, kClasses> classes;

  ~Pool() {
    for (Class& c : classes) {
      while (c.head != nullptr) {
        FreeFrame* frame = c.head;
        c.head = frame->next;
        ::operator delete(frame);
      }
      c.size = kMaxFreeInClass;  // frames that outlive this thread's pool go straight to malloc
    }
  }
};

thread_local Pool pool;

size_t class_of(size_t bytes) { return (bytes + kStep - 1) / kStep - 1; }

}  // namespace

void* allocate(size_t bytes) {
  const size_t c = class_of(bytes);
  if (c >= kClasses) return ::operator new(bytes);
  Pool::Class& list = pool.classes[c];
  if (list.head != nullptr) {
    FreeFrame* frame = list.head;
    list.head = frame->next;
    --list.size;
    return frame;
  }
  return ::operator new((c + 1) * kStep);
}

void deallocate(void* frame, size_t bytes) noexcept {
  const size_t c = class_of(bytes);
  if (c < kClasses) {
    Pool::Class& list = pool.classes[c];
    if (list.size < kMaxFreeInClass) {
      list.head = ::new (frame) FreeFrame{list.head};
      ++list.size;
      return;
    }
  }
  ::operator delete(frame);
}

#endif

}  // namespace kiln::frame_pool
