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
#include <cstdio>
#include <thread>

#include "common/base/file.h"
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

// The life lock; a daemon of the same home that is going is waited for.
Result<UniqueFd> take_life_lock(const DaemonPaths& paths) {
  const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
  for (;;) {
    KILN_ASSIGN(auto lock, lock_file(paths.life_lock, false));
    if (lock) return *std::move(lock);
    if (std::chrono::steady_clock::now() >= give_up) {
      return environment_error(
          ErrorCode::kUnavailable,
          "another kilnd serves " + paths.home + " and does not go; see `kiln daemon status`");
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
  Lifetime(const Config& config, Log& log) : config_(config), log_(log) {}

  Result<void> run(int ready_fd) {
    KILN_ASSIGN(daemon_, Daemon::start(config_, log_, [this](bool force) {
                  boost::asio::post(loop_, [this, force] { stop("a client asked", force); });
                }));
    log_.info("kilnd " KILN_VERSION " serves " + config_.paths.home + " at " +
              config_.paths.socket);
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
      stop("signal " + std::to_string(number), true);
      await_signal();
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
  Log& log_;
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  boost::asio::steady_timer idle_timer_{loop_};
  boost::asio::steady_timer drain_timer_{loop_};
  bool stopping_ = false;
  std::unique_ptr<Daemon> daemon_;
};

Result<void> serve(Config config, int ready_fd) {
  const Environment environment = process_environment();
  KILN_ASSIGN(config.paths, daemon_paths(environment));
  config.downloads.ca_bundle = environment("SSL_CERT_FILE").value_or("");
  config.downloads.netrc = environment("NETRC").value_or("");
  KILN_TRY(prepare_runtime_dir(config.paths));
  KILN_TRY(make_directories(config.paths.home, 0700)
               .with_context("KILN_HOME is where kiln keeps its store; set it to a directory that "
                             "can be written"));
  KILN_ASSIGN(const UniqueFd lock, take_life_lock(config.paths));
  KILN_ASSIGN(const auto log, RotatingLog::open(config.paths.log));
  KILN_TRY(os::become_subreaper());
  auto served = Lifetime(config, *log).run(ready_fd);
  if (!served.ok()) log->error(served.error().to_string());
  return served;
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
      ->check(CLI::Range(1, 4096))
      ->envname("KILN_JOBS");
  app.add_option("--idle-timeout", idle_seconds,
                 "seconds without a request after which it exits; 0 is never")
      ->check(CLI::NonNegativeNumber)
      ->envname("KILN_IDLE_TIMEOUT");
  app.add_option("--max-watches", config.max_watches,
                 "directories to watch at most; 0 is the kernel's limit")
      ->envname("KILN_MAX_WATCHES");
  app.add_option("--ready-fd", ready_fd, "say \"ready\" there once clients can connect");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  config.idle_timeout = std::chrono::seconds(idle_seconds);
  if (ready_fd >= 0) ::fcntl(ready_fd, F_SETFD, FD_CLOEXEC);

  const Result<void> served = serve(std::move(config), ready_fd);
  if (served.ok()) return 0;
  const std::string message = served.error().to_string() + "\n";
  tell(ready_fd, message);
  std::fprintf(stderr, "kilnd: %s", message.c_str());
  return exit_code(served.error().code(), served.error().blame());
}

}  // namespace
}  // namespace kiln::app

int main(int argc, char** argv) { return kiln::app::main(argc, argv); }
