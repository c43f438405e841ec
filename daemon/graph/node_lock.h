// NodeLock: a mutex of four bytes, one per node and one per shard of the table.
//
// A futex through std::atomic::wait, after "Futexes Are Tricky" (Drepper 2011, mutex 2). A million
// nodes have one each, which is why it is not a Mutex (40 bytes).
// Threads: thread-safe.
#pragma once

#include <atomic>

#include "common/base/sync.h"

namespace kiln::graph {

class KILN_CAPABILITY("mutex") NodeLock {
 public:
  void lock() KILN_ACQUIRE() {
    int expected = kFree;
    if (state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) return;
    while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
      state_.wait(kContended, std::memory_order_relaxed);
    }
  }
  void unlock() KILN_RELEASE() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) state_.notify_one();
  }

 private:
  static constexpr int kFree = 0;
  static constexpr int kHeld = 1;
  static constexpr int kContended = 2;
  std::atomic<int> state_{kFree};
};

class KILN_SCOPED_CAPABILITY NodeGuard {
 public:
  explicit NodeGuard(NodeLock& lock) KILN_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~NodeGuard() KILN_RELEASE() { lock_.unlock(); }
  NodeGuard(const NodeGuard&) = delete;
  NodeGuard& operator=(const NodeGuard&) = delete;

 private:
  NodeLock& lock_;
};

}  // namespace kiln::graph
