// Lifetime: a daemon from its start until it is to go: by a signal, a client's request, idleness.
//
// Owns:    the Daemon, and the loop that it lives on.
// Threads: single-owner; run() holds its thread. Only a client's request to stop comes from
// another.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/ipc/life_lock.h"
#include "daemon/app/daemon.h"
#include "daemon/app/exit_limit.h"

namespace kiln::app {

class Lifetime {
 public:
  // All outlive it; `lock` is the life lock of `config.paths`.
  Lifetime(const Config& config, LifeLock& lock, Log& log)
      : config_(config), lock_(lock), log_(log) {}

  // Returns when the daemon has gone, or could not start. `ready` is called once clients can
  // connect.
  Result<void> run(DaemonRules rules, const std::function<void()>& ready);

 private:
  void await_signal();
  void watch_idleness();
  void stop(const std::string& why, bool cancel);
  // Leaves the loop when nothing is in flight any more.
  void drain();

  const Config& config_;
  LifeLock& lock_;
  Log& log_;
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  boost::asio::steady_timer idle_timer_{loop_};
  boost::asio::steady_timer drain_timer_{loop_};
  bool stopping_ = false;
  std::unique_ptr<Daemon> daemon_;
  std::optional<ExitLimit> limit_;  // once nothing is waited for but threads
};

}  // namespace kiln::app
