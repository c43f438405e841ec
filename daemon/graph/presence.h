// Presence: who is inside, and a door that may be closed while nobody is.
//
// What:    entering and leaving cost one addition each, in lanes, so that threads rarely meet. What
//          moves or frees things that those inside point to closes the door first.
// Threads: thread-safe. Entering and leaving may be on different threads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace kiln::graph {

class Presence {
 public:
  // False: the door is closed; try again, it will not be for long.
  bool enter() {
    lane().entered.fetch_add(1, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    leave();
    return false;
  }
  void leave() { lane().left.fetch_add(1, std::memory_order_release); }

  // True: nobody is inside, and nobody enters until open().
  bool close() {
    if (closed_.exchange(true, std::memory_order_seq_cst)) return false;
    // Those who left are counted first: then nobody who is inside is missed.
    uint64_t left = 0;
    uint64_t entered = 0;
    for (const Lane& lane : lanes_) left += lane.left.load(std::memory_order_seq_cst);
    for (const Lane& lane : lanes_) entered += lane.entered.load(std::memory_order_seq_cst);
    if (left == entered) return true;
    open();
    return false;
  }
  void open() { closed_.store(false, std::memory_order_seq_cst); }

 private:
  static constexpr size_t kLanes = 8;
  struct alignas(64) Lane {
    std::atomic<uint64_t> entered{0};
    std::atomic<uint64_t> left{0};
  };
  Lane& lane() {
    thread_local const char here = 0;
    // Thread-local storage of two threads is pages apart.
    return lanes_[(reinterpret_cast<uintptr_t>(&here) >> 12) * 0x9E3779B97F4A7C15ull >> 61];
  }

  std::array<Lane, kLanes> lanes_;
  std::atomic<bool> closed_{false};
};

}  // namespace kiln::graph
