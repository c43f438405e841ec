// Mutex and Synchronized<T>: locks that clang's -Wthread-safety understands.
//
// `Synchronized<T>` is the default: state behind a closure, so that a lock cannot be held across a
// `co_await`. `Mutex` with KILN_GUARDED_BY is for a class whose members share one lock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#define KILN_CAPABILITY(x) __attribute__((capability(x)))
#define KILN_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define KILN_GUARDED_BY(x) __attribute__((guarded_by(x)))
#define KILN_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define KILN_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define KILN_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define KILN_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define KILN_TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define KILN_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))

namespace kiln {

class KILN_CAPABILITY("mutex") Mutex {
 public:
  void lock() KILN_ACQUIRE() { mutex_.lock(); }
  void unlock() KILN_RELEASE() { mutex_.unlock(); }
  bool try_lock() KILN_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class KILN_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) KILN_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() KILN_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for `Mutex`. Waits are for threads meant to block, never for coroutines.
class CondVar {
 public:
  template <class Predicate>
  void wait(Mutex& mutex, Predicate ready) KILN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cv_.wait(lock, std::move(ready));
    lock.release();
  }
  // At most so long, or less.
  void wait_for(Mutex& mutex, std::chrono::nanoseconds duration) KILN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cv_.wait_for(lock, duration);
    lock.release();
  }
  void notify_one() { cv_.notify_one(); }
  void notify_all() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

template <class T>
class Synchronized {
 public:
  template <class... Args>
  explicit Synchronized(Args&&... args) : value_(std::forward<Args>(args)...) {}

  template <class F>
  decltype(auto) with(F&& f) KILN_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <class F>
  decltype(auto) with(F&& f) const KILN_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::forward<F>(f)(value_);
  }

 private:
  mutable Mutex mutex_;
  T value_ KILN_GUARDED_BY(mutex_);
};

}  // namespace kiln
