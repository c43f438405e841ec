#include "daemon/async/executor.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <string>
#include <thread>
#include <vector>

namespace kiln {

struct ThreadPool::Impl {
  explicit Impl(size_t threads)
      : context(static_cast<int>(threads)), guard(context.get_executor()) {}
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
  std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(std::string_view name, size_t threads)
    : impl_(std::make_shared<Impl>(threads)) {
  const std::string short_name(name.substr(0, 15));
  for (size_t i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([this, short_name] {
      ::pthread_setname_np(::pthread_self(), short_name.c_str());
      impl_->context.run();
    });
  }
}

ThreadPool::~ThreadPool() {
  impl_->guard.reset();
  for (std::thread& thread : impl_->threads) thread.join();
}

void ThreadPool::post(Work work) {
  // The work may be done, and with it all that this pool was for, before asio has returned.
  const std::shared_ptr<Impl> kept = impl_;
  boost::asio::post(kept->context, std::move(work));
}

void ManualExecutor::post(Work work) {
  queue_.with([&](auto& queue) { queue.push_back(std::move(work)); });
}

void ManualExecutor::step_at(size_t i) {
  Work work = queue_.with([&](auto& queue) {
    KILN_CHECK(i < queue.size(), "step_at() past the end");
    Work taken = std::move(queue[i]);
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i));
    return taken;
  });
  work();
}

bool ManualExecutor::step() {
  if (pending() == 0) return false;
  step_at(0);
  return true;
}

size_t ManualExecutor::drain() {
  size_t ran = 0;
  while (step()) ++ran;
  return ran;
}

size_t ManualExecutor::pending() const {
  return queue_.with([](const auto& queue) { return queue.size(); });
}

}  // namespace kiln
