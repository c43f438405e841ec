// ExitLimit: the process ends within a bounded time, whatever its threads wait for.
//
// A thread that waits for a file system whose server is gone cannot be woken, and so not be joined.
// What is on disk bears that: the store is made for a process that is killed.
// Threads: single-owner. Owns a thread.
#pragma once

#include <chrono>
#include <thread>

#include "common/base/log.h"
#include "common/base/sync.h"

namespace kiln::app {

class ExitLimit {
 public:
  // Unless this is destroyed within `patience`, the process ends then. `log` outlives it.
  ExitLimit(std::chrono::seconds patience, Log& log);
  ~ExitLimit();
  ExitLimit(const ExitLimit&) = delete;
  ExitLimit& operator=(const ExitLimit&) = delete;

 private:
  void watch(std::chrono::seconds patience);

  Log& log_;
  Mutex mutex_;
  CondVar ended_;
  bool over_ KILN_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kiln::app
