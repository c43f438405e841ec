#include "client/daemon_starter.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "client/daemon_program.h"
#include "common/base/file.h"
#include "common/ipc/home.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace kiln {

namespace {

constexpr auto kStartDeadline = std::chrono::seconds(30);
constexpr int kReadyFd = 3;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Both ends above the descriptors that the daemon gets, so that none is in the way of another.
Result<Pipe> make_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "make a pipe");
  const UniqueFd low_read(ends[0]);
  const UniqueFd low_write(ends[1]);
  Pipe pipe{UniqueFd(::fcntl(low_read.get(), F_DUPFD_CLOEXEC, kReadyFd + 1)),
            UniqueFd(::fcntl(low_write.get(), F_DUPFD_CLOEXEC, kReadyFd + 1))};
  if (!pipe.read.valid() || !pipe.write.valid()) return os_error(errno, "make a pipe");
  return pipe;
}

class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Its own session, "/", no signal blocked, nothing open but what it is given.
  void detach(int output, int ready) {
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, ready, kReadyFd);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kReadyFd + 1);
  }

  Result<void> spawn(const std::string& program) {
    std::string name = "kilnd";
    std::string option = "--ready-fd";
    std::string fd = std::to_string(kReadyFd);
    std::array<char*, 4> argv = {name.data(), option.data(), fd.data(), nullptr};
    pid_t pid;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv.data(), environ);
    if (error == EAGAIN) {
      return environment_error(
          ErrorCode::kResourceExhausted,
          "cannot start the daemon " + program +
              ": this user may have no more processes (ulimit -u, or the limit "
              "of a container)");
    }
    if (error != 0) return os_error(error, "start the daemon " + program);
    return {};
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string without_final_newlines(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// Reads both pipes until the daemon said that it is ready, or went.
Result<void> wait_until_ready(int output, int ready, const DaemonPaths& paths,
                              Interrupt& interrupt) {
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  std::string said;
  std::string answer;
  bool output_open = true;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 3> fds = {pollfd{ready, POLLIN, 0},
                                 pollfd{output_open ? output : -1, POLLIN, 0},
                                 pollfd{interrupt.fd(), POLLIN, 0}};
    const int n =
        left.count() > 0 ? ::poll(fds.data(), fds.size(), static_cast<int>(left.count())) : 0;
    if (n < 0 && errno != EINTR) return os_error(errno, "wait for the daemon");
    if (n == 0) {
      return with_log(environment_error(ErrorCode::kUnavailable,
                                        "the daemon did not become ready within 30 seconds"),
                      paths);
    }
    if (fds[2].revents != 0 && interrupt.take()) return interrupted_error();
    std::array<char, 4096> buffer;
    if (fds[1].revents != 0) {
      KILN_ASSIGN(const size_t got, read_some(output, buffer, "the daemon's output"));
      said.append(buffer.data(), got);
      output_open = got > 0;
    }
    if (fds[0].revents == 0) continue;
    KILN_ASSIGN(const size_t got, read_some(ready, buffer, "the daemon's readiness"));
    answer.append(buffer.data(), got);
    if (answer == "ready\n") return {};
    if (got > 0) continue;
    // It is gone: the rest of what it said is in the pipe.
    if (output_open) {
      KILN_ASSIGN(const std::string rest, read_all(output, "the daemon's output"));
      said += rest;
    }
    const std::string why = without_final_newlines(answer + said);
    return with_log(environment_error(ErrorCode::kUnavailable,
                                      "the daemon did not start" + (why.empty() ? "" : ": " + why)),
                    paths);
  }
}

Result<std::optional<UniqueFd>> take_start_lock(const DaemonPaths& paths, Interrupt& interrupt) {
  const Interrupt::Suspension mortal(interrupt);
  return lock_file(paths.start_lock, true);
}

Result<void> start_daemon(const DaemonPaths& paths, Interrupt& interrupt) {
  KILN_ASSIGN(const std::string program, daemon_program());
  KILN_ASSIGN(Pipe output, make_pipe());
  KILN_ASSIGN(Pipe ready, make_pipe());
  SpawnPlan plan;
  plan.detach(output.write.get(), ready.write.get());
  KILN_TRY(plan.spawn(program));
  output.write.reset();
  ready.write.reset();
  return wait_until_ready(output.read.get(), ready.read.get(), paths, interrupt);
}

}  // namespace

Result<DaemonConnection> find_or_start_daemon(const DaemonPaths& paths, Interrupt& interrupt) {
  KILN_TRY(check_home(paths, current_identity(process_environment())));
  KILN_TRY(prepare_runtime_dir(paths));
  KILN_ASSIGN(auto running, find_daemon(paths, interrupt));
  if (running) return *std::move(running);

  KILN_ASSIGN(const auto lock, take_start_lock(paths, interrupt));
  KILN_ASSIGN(auto started_by_another, find_daemon(paths, interrupt));
  if (started_by_another) return *std::move(started_by_another);
  const auto start = start_daemon(paths, interrupt);
  if (!start.ok() && start.error().code() == ErrorCode::kCancelled) return start.error();
  // Somebody with another runtime directory, and so another start lock, may have been quicker.
  KILN_ASSIGN(auto started, find_daemon(paths, interrupt));
  if (!started) {
    if (!start.ok()) return start.error();
    return with_log(
        environment_error(ErrorCode::kUnavailable, "the daemon went away right after its start"),
        paths);
  }
  started->started = start.ok();
  return *std::move(started);
}

Error with_log(const Error& error, const DaemonPaths& paths) {
  if (::access(paths.log.c_str(), R_OK) != 0) return error;
  return error.with_context("its log: " + paths.log);
}

}  // namespace kiln
