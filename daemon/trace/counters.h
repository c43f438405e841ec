// Counters: named numbers that only grow, and gauges that also shrink. They are API: `kiln daemon
// status --json` shows them and end-to-end tests assert on them.
//
// Threads: thread-safe. Look a counter up once and keep the reference; adding to it is one atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/sync.h"

namespace kiln {

class Counter {
 public:
  void add(int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Counters {
 public:
  // The counter of that name ("process.ran"), made at first use; lives as long as this.
  Counter& operator[](std::string_view name);
  std::map<std::string, int64_t> snapshot() const;

 private:
  Synchronized<std::map<std::string, std::unique_ptr<Counter>, std::less<>>> counters_;
};

}  // namespace kiln
