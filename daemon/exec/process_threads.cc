#include "daemon/exec/process_threads.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>

namespace kiln::exec {

ProcessThreads::~ProcessThreads() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    threads.swap(threads_);
    changed_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void ProcessThreads::post(Work work) {
  MutexLock lock(mutex_);
  for (const std::thread::id id : ended_) {
    const auto at = std::find_if(threads_.begin(), threads_.end(),
                                 [&](const std::thread& thread) { return thread.get_id() == id; });
    at->join();  // it has left next(), and so does not wait for the lock
    threads_.erase(at);
  }
  ended_.clear();
  queue_.push_back(std::move(work));
  if (idle_ >= queue_.size()) {
    changed_.notify_one();
    return;
  }
  try {
    threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    // The machine has no thread left: the next that becomes idle takes it. With none at all, the
    // caller's own thread must do.
    if (!threads_.empty()) return;
    Work own = std::move(queue_.back());
    queue_.pop_back();
    own();
  }
}

void ProcessThreads::serve() {
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  while (Work work = next()) work();
}

Work ProcessThreads::next() {
  MutexLock lock(mutex_);
  if (queue_.empty() && idle_ >= kept_ && !closed_) {
    ended_.push_back(std::this_thread::get_id());
    return {};
  }
  ++idle_;
  changed_.wait(mutex_, [&]() KILN_REQUIRES(mutex_) { return closed_ || !queue_.empty(); });
  --idle_;
  if (queue_.empty()) return {};
  Work work = std::move(queue_.front());
  queue_.pop_front();
  return work;
}

}  // namespace kiln::exec
