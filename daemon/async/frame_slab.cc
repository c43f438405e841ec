#include "daemon/async/frame_slab.h"

#include <sys/mman.h>

#include <new>

#include "common/base/sync.h"

namespace kiln::frame_pool {

// The empty ones that are kept. One for the process, as its memory is; nothing to destroy at its
// end.
class FrameSlab::Spares {
 public:
  static Spares& of_process() {
    constinit static Spares spares;
    return spares;
  }

  // Null if there is none.
  FrameSlab* take() {
    MutexLock lock(mutex_);
    FrameSlab* slab = first_;
    if (slab == nullptr) return nullptr;
    first_ = slab->next_spare_;
    --count_;
    return slab;
  }
  // False: there are enough.
  bool keep(FrameSlab& slab) {
    MutexLock lock(mutex_);
    if (count_ == kMost) return false;
    slab.next_spare_ = first_;
    first_ = &slab;
    ++count_;
    return true;
  }

 private:
  static constexpr size_t kMost = (size_t{64} << 20) / kBytes;

  Mutex mutex_;
  FrameSlab* first_ KILN_GUARDED_BY(mutex_) = nullptr;
  size_t count_ KILN_GUARDED_BY(mutex_) = 0;
};

FrameSlab* FrameSlab::make() {
  if (FrameSlab* spare = Spares::of_process().take()) return new (spare) FrameSlab();
  // Twice as much contains what is aligned.
  void* mapped =
      ::mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* first = static_cast<std::byte*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(first) & (kBytes - 1);
  if (before > 0) (void)::munmap(first, before);
  (void)::munmap(first + before + kBytes, kBytes - before);
  return new (first + before) FrameSlab();
}

void FrameSlab::retire() noexcept {
  if (!Spares::of_process().keep(*this)) (void)::munmap(this, kBytes);
}

}  // namespace kiln::frame_pool
