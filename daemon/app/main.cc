// kilnd: the daemon of kiln. People start it through `kiln`; by hand it runs in the foreground
// until it is told to stop or nobody has asked anything for a while.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <cstdio>
#include <thread>

#include "common/base/file.h"
#include "common/ipc/life_lock.h"
#include "daemon/app/daemon.h"
#include "daemon/app/rotating_log.h"
#include "daemon/os/spawn.h"

namespace kiln::app {
namespace {

constexpr std::chrono::milliseconds kLockRetry{20};
constexpr std::chrono::seconds kLockPatience{20};
constexpr std::chrono::milliseconds kDrainCheck{5};

// Says `text` to the client that waits for this daemon, if one does.
void tell(int ready_fd, std::string_view text) {
  if (ready_fd < 0) return;
  (void)write_all(ready_fd, text, "the ready pipe");
  ::close(ready_fd);
}

// The life lock; a daemon of the same home that is going is waited for, one that serves is not.
Result<LifeLock> take_life_lock(const DaemonPaths& paths) {
  const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
  for (;;) {
    KILN_ASSIGN(auto lock, LifeLock::try_take(paths.life_lock).with_context(kHomeHint));
    if (lock) return *std::move(lock);
    KILN_ASSIGN(const auto holder, life_lock_holder(paths.life_lock));
    if (holder) {
      return environment_error(ErrorCode::kUnavailable,
                               "another kilnd, process " + std::to_string(holder->pid) +
                                   ", serves " + paths.home + " at " + holder->socket);
    }
    if (std::chrono::steady_clock::now() >= give_up) {
      return environment_error(ErrorCode::kUnavailable,
                               "another kilnd holds " + paths.life_lock +
                                   " and neither serves nor goes; it may be finishing what it runs "
                                   "(`fuser " +
                                   paths.life_lock + "` names it)");
    }
    std::this_thread::sleep_for(kLockRetry);
  }
}

// As many descriptors as the system allows: watches, sandboxes and clients need them.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Standard output and error belong to whoever started us, and end with them; last words of a crash
// go to the log.
void leave_terminal(const std::string& log) {
  UniqueFd file(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid()) file.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return;
  ::dup2(file.get(), STDOUT_FILENO);
  ::dup2(file.get(), STDERR_FILENO);
}

// Runs the daemon on this thread's loop until it is to go: a signal, a client's request, idleness.
class Lifetime {
 public:
  Lifetime(const Config& config, LifeLock& lock, Log& log)
      : config_(config), lock_(lock), log_(log) {}

  Result<void> run(int ready_fd) {
    KILN_ASSIGN(daemon_, Daemon::start(config_, log_, [this](bool force) {
                  boost::asio::post(loop_, [this, force] { stop("a client asked", force); });
                }));
    log_.info("kilnd " KILN_VERSION " serves " + config_.paths.home + " at " +
              config_.paths.socket);
    KILN_TRY(lock_.announce(config_.paths.socket));
    tell(ready_fd, "ready\n");
    if (ready_fd >= 0) leave_terminal(config_.paths.log);
    await_signal();
    watch_idleness();
    loop_.run();
    daemon_.reset();
    log_.info("kilnd has stopped");
    return {};
  }

 private:
  void await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      await_signal();  // before stop() may end all waiting
      stop("signal " + std::to_string(number), true);
    });
  }

  void watch_idleness() {
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

  void stop(const std::string& why, bool cancel) {
    log_.info("stopping: " + why);
    stopping_ = true;
    idle_timer_.cancel();
    lock_.retract();  // before the socket goes: who finds neither waits for the lock
    daemon_->close(cancel);
    drain();
  }

  // Leaves the loop when nothing is in flight any more.
  void drain() {
    if (daemon_->runs_in_flight() == 0) {
      signals_.cancel();
      return;
    }
    drain_timer_.expires_after(kDrainCheck);
    drain_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) drain();
    });
  }

  const Config& config_;
  LifeLock& lock_;
  Log& log_;
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  boost::asio::steady_timer idle_timer_{loop_};
  boost::asio::steady_timer drain_timer_{loop_};
  bool stopping_ = false;
  std::unique_ptr<Daemon> daemon_;
};

Result<void> serve(Config config, int ready_fd) {
  KILN_ASSIGN(config.paths, daemon_paths(process_environment()));
  KILN_TRY(prepare_runtime_dir(config.paths));
  KILN_TRY(make_directories(config.paths.home, 0700).with_context(kHomeHint));
  KILN_ASSIGN(LifeLock lock, take_life_lock(config.paths));
  KILN_ASSIGN(const auto log, RotatingLog::open(config.paths.log).with_context(kHomeHint));
  KILN_TRY(os::become_subreaper());
  auto served = Lifetime(config, lock, *log).run(ready_fd);
  if (!served.ok()) log->error(served.error().to_string());
  return served;
}

// Says what is allowed, as CLI::Range does not for numbers that are none.
CLI::Validator whole_number(int64_t least, int64_t most, const std::string& variable) {
  return CLI::Validator(
      [least, most, variable](const std::string& text) -> std::string {
        int64_t number = 0;
        const char* const end = text.data() + text.size();
        const auto [after, error] = std::from_chars(text.data(), end, number);
        if (error == std::errc() && after == end && number >= least && number <= most) return {};
        return "'" + text + "' is not a whole number from " + std::to_string(least) + " to " +
               std::to_string(most) + " (it may come from the variable " + variable + ")";
      },
      "");
}

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  Config config;
  config.jobs = std::max(1u, std::thread::hardware_concurrency());
  int64_t idle_seconds = config.idle_timeout.count();
  int ready_fd = -1;

  CLI::App app("kilnd, the daemon of kiln. `kiln` starts it when needed; there is no need to.");
  app.set_version_flag("--version", "kilnd " KILN_VERSION);
  app.add_option("--jobs", config.jobs, "processes at once (default: the number of cores)")
      ->check(whole_number(1, 4096, "KILN_JOBS"))
      ->envname("KILN_JOBS");
  app.add_option("--idle-timeout", idle_seconds,
                 "seconds without a request after which it exits; 0 is never")
      ->check(whole_number(0, INT32_MAX, "KILN_IDLE_TIMEOUT"))
      ->envname("KILN_IDLE_TIMEOUT");
  app.add_option("--max-watches", config.max_watches,
                 "directories to watch at most; 0 is the kernel's limit")
      ->check(whole_number(0, INT32_MAX, "KILN_MAX_WATCHES"))
      ->envname("KILN_MAX_WATCHES");
  app.add_option("--ready-fd", ready_fd, "say \"ready\" there once clients can connect");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "kilnd: %s\n", error.what());
    return 2;
  }
  config.idle_timeout = std::chrono::seconds(idle_seconds);
  if (ready_fd >= 0) ::fcntl(ready_fd, F_SETFD, FD_CLOEXEC);

  const Result<void> served = serve(std::move(config), ready_fd);
  if (served.ok()) return 0;
  const std::string message = served.error().to_string() + "\n";
  if (ready_fd >= 0) {
    tell(ready_fd, message);
  } else {
    std::fprintf(stderr, "kilnd: %s", message.c_str());
  }
  return exit_code(served.error().code(), served.error().blame());
}

}  // namespace
}  // namespace kiln::app

int main(int argc, char** argv) { return kiln::app::main(argc, argv); }
