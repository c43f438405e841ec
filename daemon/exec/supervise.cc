#include "daemon/exec/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <functional>

#include "common/base/file.h"

namespace kiln::exec {
namespace {

using std::chrono::steady_clock;

struct Pipe {
  UniqueFd read_end;  // non-blocking
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds;
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return os_error(errno, "make a pipe");
  Pipe pipe{.read_end = UniqueFd(fds[0]), .write_end = UniqueFd(fds[1])};
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

// Makes a stop token pollable.
class StopEvent {
 public:
  static Result<UniqueFd> make_fd() {
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd.valid()) return os_error(errno, "make an event descriptor");
    return fd;
  }
  StopEvent(std::stop_token stop, int fd) : callback_(std::move(stop), Ring{fd}) {}

 private:
  struct Ring {
    int fd;
    void operator()() const { ::eventfd_write(fd, 1); }
  };
  std::stop_callback<Ring> callback_;
};

// One output stream: what comes out of the pipe goes into the sink.
class Stream {
 public:
  Stream(UniqueFd fd, OutputSink& sink) : fd_(std::move(fd)), sink_(sink) {}

  // -1 after the end of the stream, which poll(2) skips.
  int fd() const { return fd_.get(); }

  // What is there now, at most `chunks` buffers of it, so that one loud stream cannot keep its
  // supervisor from the clock.
  Result<void> pump(int chunks) {
    static thread_local std::array<char, size_t{64} << 10> buffer;
    while (fd_.valid() && chunks-- > 0) {
      const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return {};
      if (n < 0) return os_error(errno, "read the output of the process");
      if (n == 0) {
        fd_.reset();
        return {};
      }
      KILN_TRY(sink_.append(std::string_view(buffer.data(), static_cast<size_t>(n))));
      // A short read emptied the pipe; the next poll says whether there is more.
      if (static_cast<size_t>(n) < buffer.size() && chunks < kDrain - 1) return {};
    }
    return {};
  }
  // All of it, when nobody writes any more.
  Result<void> drain() { return pump(kDrain); }

 private:
  static constexpr int kDrain = 1 << 30;
  UniqueFd fd_;
  OutputSink& sink_;
};

class Supervisor {
 public:
  Supervisor(os::Child child, os::ProcessTag tag, Stream out, Stream err, int stop_fd,
             const Supervision& how)
      : child_(std::move(child)),
        tag_(tag),
        out_(std::move(out)),
        err_(std::move(err)),
        stop_fd_(stop_fd),
        grace_(how.grace) {
    if (how.timeout) deadline_ = child_.birth.time + *how.timeout;
  }

  Result<Ended> stay() {
    while (step()) {
    }
    ended_.wall = steady_clock::now() - child_.birth.time;
    // The leader is still there, unreaped, so that its group's number is nobody else's.
    os::signal_group(child_.pid, SIGKILL);
    KILN_ASSIGN(ended_.status, os::reap(child_));
    ended_.descendants_killed = os::kill_tagged(tag_, child_.birth);
    ended_.cancelled = stopped_ && ended_.status.exit_code == -SIGKILL;
    if (failure_) return *failure_;
    // Nobody holds the other ends any more, unless a descendant shed its tag: then what is in the
    // pipe now is all that counts.
    KILN_TRY(out_.drain());
    KILN_TRY(err_.drain());
    return ended_;
  }

 private:
  enum Slot : size_t { kEnded, kStop, kOut, kErr };

  // Waits for the next event and acts on it; false when the process has ended.
  bool step() {
    std::array<pollfd, 4> fds{
        pollfd{child_.pidfd.get(), POLLIN, 0}, pollfd{stopped_ ? -1 : stop_fd_, POLLIN, 0},
        pollfd{failure_ ? -1 : out_.fd(), POLLIN, 0}, pollfd{failure_ ? -1 : err_.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), patience()) < 0) return true;  // EINTR
    if (fds[kOut].revents != 0) take(out_.pump(kChunks));
    if (fds[kErr].revents != 0) take(err_.pump(kChunks));
    if (fds[kEnded].revents != 0) return false;
    if (fds[kStop].revents != 0) {
      stopped_ = true;
      os::signal_group(child_.pid, SIGKILL);
    }
    if (deadline_ && steady_clock::now() >= *deadline_) pass_deadline();
    return true;
  }

  void take(const Result<void>& pumped) {
    if (pumped.ok() || failure_) return;
    failure_ = pumped.error();
    os::signal_group(child_.pid, SIGKILL);
  }

  void pass_deadline() {
    if (ended_.timed_out) {
      os::signal_group(child_.pid, SIGKILL);
      deadline_.reset();
      return;
    }
    ended_.timed_out = true;
    os::signal_group(child_.pid, SIGTERM);
    os::signal_tagged(tag_, SIGTERM);
    deadline_ = steady_clock::now() + grace_;
  }

  int patience() const {  // milliseconds, rounded up
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000'000));
  }

  static constexpr int kChunks = 16;

  const os::Child child_;
  const os::ProcessTag tag_;
  Stream out_;
  Stream err_;
  const int stop_fd_;
  const std::chrono::milliseconds grace_;

  std::optional<steady_clock::time_point> deadline_;  // of the timeout, then of the grace
  bool stopped_ = false;
  std::optional<Error> failure_;
  Ended ended_;
};

}  // namespace

Result<Ended> supervise(os::SpawnRequest request, const Supervision& how) {
  KILN_ASSIGN(Pipe out, make_pipe());
  KILN_ASSIGN(Pipe err, make_pipe());
  KILN_ASSIGN(const UniqueFd stop_fd, StopEvent::make_fd());
  const StopEvent stop_event(how.stop, stop_fd.get());
  request.stdout_fd = out.write_end.get();
  request.stderr_fd = err.write_end.get();
  KILN_ASSIGN(os::Child child, os::spawn(request));
  out.write_end.reset();
  err.write_end.reset();
  return Supervisor(std::move(child), request.tag, Stream(std::move(out.read_end), how.stdout_sink),
                    Stream(std::move(err.read_end), how.stderr_sink), stop_fd.get(), how)
      .stay();
}

}  // namespace kiln::exec
