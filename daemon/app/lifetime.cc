#include "daemon/app/lifetime.h"
#include "common/base/version.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

namespace kiln::app {

namespace {

constexpr std::chrono::milliseconds kDrainCheck{5};
// How long threads may take to end. Processes that were killed have a grace period of their own.
constexpr std::chrono::seconds kExitLimit{20};

}  // namespace

Result<void> Lifetime::run(DaemonRules rules, const std::function<void()>& ready) {
  const auto is_to_stop = [this](const std::string& why, bool force) {
    boost::asio::post(loop_, [this, why, force] { stop(why, force); });
  };
  KILN_ASSIGN(daemon_, Daemon::start(config_, log_, std::move(rules), is_to_stop));
  log_.info("kilnd " + std::string(version()) + " serves " + config_.paths.home + " at " +
            config_.paths.socket);
  KILN_TRY(lock_.announce(config_.paths.socket));
  ready();
  await_signal();
  watch_idleness();
  loop_.run();
  if (!limit_) limit_.emplace(kExitLimit, log_);
  daemon_.reset();
  limit_.reset();
  log_.info("kilnd has stopped");
  return {};
}

void Lifetime::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    await_signal();  // before stop() may end all waiting
    stop("signal " + std::to_string(number), true);
  });
}

void Lifetime::watch_idleness() {
  if (config_.idle_timeout == std::chrono::seconds(0)) return;
  const auto left = config_.idle_timeout - daemon_->idle();
  idle_timer_.expires_after(
      std::max<std::chrono::steady_clock::duration>(left, std::chrono::milliseconds(100)));
  idle_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    if (daemon_->idle() >= config_.idle_timeout) return stop("nothing to do", false);
    watch_idleness();
  });
}

void Lifetime::stop(const std::string& why, bool cancel) {
  log_.info("stopping: " + why);
  stopping_ = true;
  idle_timer_.cancel();
  // Clients go on finding this daemon, so that they can be told what it waits for.
  cancel ? daemon_->close(true) : daemon_->drain();
  if (cancel && !limit_) limit_.emplace(kExitLimit, log_);
  drain();
}

void Lifetime::drain() {
  if (daemon_->runs_in_flight() == 0) {
    lock_.retract();  // before the socket goes: a client that finds neither waits for the lock
    daemon_->close(false);
    daemon_->leave();
    signals_.cancel();
    return;
  }
  drain_timer_.expires_after(kDrainCheck);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) drain();
  });
}

}  // namespace kiln::app
