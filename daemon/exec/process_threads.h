// ProcessThreads: a thread for each process that runs, however many those are.
//
// What:    work that is posted starts at once: on a thread that is idle, else on a new one. So
//          nothing waits for a thread that itself waits, directly or not, for what was posted.
// Owns:    its threads. Up to `kept` idle ones stay.
// Threads: post() is thread-safe.
#pragma once

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/executor.h"

namespace kiln::exec {

class ProcessThreads final : public Executor {
 public:
  // `name` shows in ps and gdb, up to 15 bytes.
  ProcessThreads(std::string name, size_t kept) : name_(std::move(name)), kept_(kept) {}
  // Runs what was posted, then joins.
  ~ProcessThreads() override;

  void post(Work work) override;

 private:
  void serve();
  // The next work; nothing if this thread is to end.
  Work next();

  const std::string name_;
  const size_t kept_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Work> queue_ KILN_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ KILN_GUARDED_BY(mutex_);
  std::vector<std::thread::id> ended_ KILN_GUARDED_BY(mutex_);  // of threads_, to be joined
  size_t idle_ KILN_GUARDED_BY(mutex_) = 0;
  bool closed_ KILN_GUARDED_BY(mutex_) = false;
};

}  // namespace kiln::exec
