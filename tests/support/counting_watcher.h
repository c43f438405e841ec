// CountingWatcher: a watcher that knows how often its barrier was passed.
// Threads: as the watcher within.
#pragma once

#include <atomic>
#include <memory>

#include "daemon/watch/watcher.h"

namespace kiln::test {

class CountingWatcher final : public watch::Watcher {
 public:
  explicit CountingWatcher(std::unique_ptr<watch::Watcher> within) : within_(std::move(within)) {}

  Result<watch::Watch> watch(const std::string& directory) override {
    return within_->watch(directory);
  }
  ClockTick synchronize() override {
    barriers_.fetch_add(1);
    return within_->synchronize();
  }
  watch::WatchStats stats() const override { return within_->stats(); }

  // Since the last call.
  int barriers() { return barriers_.exchange(0); }

 private:
  const std::unique_ptr<watch::Watcher> within_;
  std::atomic<int> barriers_{0};
};

}  // namespace kiln::test
