// FrameSlab: a piece of memory that frames are carved from in a row, and that goes when all of them
// have come back.
//
// What:    asked of the kernel as it is, since malloc grows the heap of a thread page by page; and
//          what is made together lies together. A frame knows its slab by its address.
// Owns:    itself, by a count of the frames that are out and of the thread that carves. Some empty
//          ones are kept for whoever needs the next: the first touch of memory is dear.
// Threads: give_back() is thread-safe; one thread carves, until it closes the slab.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kiln::frame_pool {

class FrameSlab {
 public:
  static constexpr size_t kBytes = size_t{128} << 10;

  // An empty one. Throws std::bad_alloc, as operator new does.
  static FrameSlab* make();

  // Null when there is no room left. Sizes are multiples of 16, and so are addresses.
  void* carve(size_t bytes) {
    if (kBytes - used_ < bytes) return nullptr;
    void* frame = reinterpret_cast<std::byte*>(this) + used_;
    used_ += static_cast<uint32_t>(bytes);
    ++carved_;
    return frame;
  }
  // Nothing is carved any more.
  void close() { drop(kCarver - carved_); }
  static void give_back(void* frame) noexcept {
    const size_t offset = reinterpret_cast<uintptr_t>(frame) & (kBytes - 1);
    reinterpret_cast<FrameSlab*>(static_cast<std::byte*>(frame) - offset)->drop(1);
  }

 private:
  static constexpr uint32_t kHeader = 128;
  // More than there are frames.
  static constexpr uint32_t kCarver = kBytes;

  class Spares;

  FrameSlab() = default;
  void drop(uint32_t count) noexcept {
    if (out_.fetch_sub(count, std::memory_order_acq_rel) == count) retire();
  }
  void retire() noexcept;

  // The carver's.
  uint32_t carved_ = 0;
  uint32_t used_ = kHeader;
  FrameSlab* next_spare_ = nullptr;
  // Frames that are out, and kCarver in place of those carved until close(). Other threads give
  // back while one carves: a cache line of its own.
  alignas(64) std::atomic<uint32_t> out_{kCarver};
};

}  // namespace kiln::frame_pool
