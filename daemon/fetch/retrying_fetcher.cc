#include <condition_variable>
#include <mutex>

#include "daemon/fetch/fetchers.h"

namespace kiln::fetch {

namespace {

class RetryingFetcher final : public Fetcher {
 public:
  RetryingFetcher(std::unique_ptr<Fetcher> inner, RetryPolicy policy, Pause pause,
                  Counters& counters)
      : inner_(std::move(inner)),
        policy_(policy),
        pause_(std::move(pause)),
        retried_(counters["fetch.retried"]) {}

  Result<void> fetch(const Url& url, Sink& sink, const std::stop_token& stop) override {
    std::chrono::milliseconds pause = policy_.first_pause;
    for (int attempt = 1;; ++attempt) {
      Result<void> fetched = inner_->fetch(url, sink, stop);
      if (fetched.ok() || fetched.error().code() != ErrorCode::kUnavailable) return fetched;
      if (attempt == policy_.attempts) {
        return std::move(fetched).with_context("after " + std::to_string(attempt) + " attempts");
      }
      pause_(pause, stop);
      if (stop.stop_requested()) return download_cancelled(url);
      pause *= 2;
      retried_.add();
    }
  }

 private:
  const std::unique_ptr<Fetcher> inner_;
  const RetryPolicy policy_;
  const Pause pause_;
  Counter& retried_;
};

}  // namespace

void pause_thread(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
}

std::unique_ptr<Fetcher> make_retrying_fetcher(std::unique_ptr<Fetcher> inner, RetryPolicy policy,
                                               Pause pause, Counters& counters) {
  return std::make_unique<RetryingFetcher>(std::move(inner), policy, std::move(pause), counters);
}

}  // namespace kiln::fetch
