#include "daemon/exec/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace kiln::exec {
namespace {

using std::chrono::steady_clock;

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

// One output stream: what comes out of the pipe goes into the sink. The write end stays open here,
// too: the stream ends when nobody is left alive to write, not when the pipe says so, and a process
// that closes it or ends would wake its supervisor once for each pipe.
class Stream {
 public:
  static Result<Stream> open(OutputSink& sink) {
    std::array<int, 2> fds;
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return os_error(errno, "make a pipe");
    Stream stream(UniqueFd(fds[0]), UniqueFd(fds[1]), sink);
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return stream;
  }

  int read_fd() const { return read_end_.get(); }
  int write_fd() const { return write_end_.get(); }

  // What is there now, but no more than a megabyte: a loud stream must not keep its supervisor from
  // the clock.
  Result<void> pump() {
    size_t chunk = kChunk;
    for (int i = 0; i < 16 && chunk == kChunk; ++i) {
      KILN_ASSIGN(chunk, take_chunk());
    }
    return {};
  }

  // All that is in the pipe now. Somebody who could not be killed may go on writing.
  Result<void> drain() {
    const int capacity = std::max(::fcntl(read_end_.get(), F_GETPIPE_SZ), 0);
    size_t chunk = 1;
    for (size_t taken = 0; chunk > 0 && taken <= static_cast<size_t>(capacity); taken += chunk) {
      KILN_ASSIGN(chunk, take_chunk());
    }
    return {};
  }

 private:
  static constexpr size_t kChunk = size_t{64} << 10;

  Stream(UniqueFd read_end, UniqueFd write_end, OutputSink& sink)
      : read_end_(std::move(read_end)), write_end_(std::move(write_end)), sink_(&sink) {}

  // How many bytes there were; 0 if the pipe is empty.
  Result<size_t> take_chunk() {
    static thread_local std::array<char, kChunk> buffer;
    ssize_t n;
    do {
      n = ::read(read_end_.get(), buffer.data(), buffer.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return size_t{0};
    if (n < 0) return os_error(errno, "read the output of the process");
    const auto size = static_cast<size_t>(n);
    KILN_TRY(sink_->append(std::string_view(buffer.data(), size)));
    return size;
  }

  UniqueFd read_end_;  // non-blocking
  UniqueFd write_end_;
  OutputSink* sink_;
};

class Supervisor {
 public:
  Supervisor(os::Child child, Enclosure& enclosure, Stream out, Stream err, int stop_fd,
             const Supervision& how)
      : child_(std::move(child)),
        enclosure_(enclosure),
        out_(std::move(out)),
        err_(std::move(err)),
        stop_fd_(stop_fd),
        how_(how) {
    if (how.timeout) deadline_ = child_.birth.time + *how.timeout;
  }

  Result<Ended> stay() {
    while (step()) {
    }
    ended_.wall = steady_clock::now() - child_.birth.time;
    const pid_t pid = child_.pid;
    KILN_ASSIGN(const Enclosure::Settled settled,
                enclosure_.end(std::move(child_), steady_clock::now() + how_.patience));
    ended_.descendants_killed = settled.killed;
    ended_.all_gone = settled.complete;
    if (!settled.status) return given_up(pid);
    ended_.status = *settled.status;
    ended_.cancelled = stopped_ && ended_.status.exit_code == -SIGKILL;
    if (failure_) return *failure_;
    return with_output();
  }

 private:
  enum Slot : size_t { kEnded, kStop, kOut, kErr };

  // Waits for the next event and acts on it; false when the process has ended, or is given up.
  bool step() {
    std::array<pollfd, 4> fds{pollfd{child_.pidfd.get(), POLLIN, 0},
                              pollfd{stopped_ ? -1 : stop_fd_, POLLIN, 0},
                              pollfd{failure_ ? -1 : out_.read_fd(), POLLIN, 0},
                              pollfd{failure_ ? -1 : err_.read_fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), patience()) < 0) return true;  // EINTR
    if (fds[kOut].revents != 0) take(out_.pump());
    if (fds[kErr].revents != 0) take(err_.pump());
    if (fds[kEnded].revents != 0) return false;
    if (fds[kStop].revents != 0) {
      stopped_ = true;
      kill();
    }
    return !deadline_ || steady_clock::now() < *deadline_ || pass_deadline();
  }

  void take(const Result<void>& pumped) {
    if (pumped.ok() || failure_) return;
    failure_ = pumped.error();
    kill();
  }

  void kill() {
    os::signal_family(child_, SIGKILL);
    if (!killed_) deadline_ = steady_clock::now() + how_.patience;
    killed_ = true;
  }

  // False: it was killed, and does not die.
  bool pass_deadline() {
    if (killed_) return false;
    if (ended_.timed_out) {
      kill();
      return true;
    }
    ended_.timed_out = true;
    enclosure_.terminate(child_);
    deadline_ = steady_clock::now() + how_.grace;
    return true;
  }

  // The leader cannot be reaped: it is alive in the kernel, or somebody traces it.
  Result<Ended> given_up(pid_t pid) {
    if (failure_) return *failure_;
    if (!stopped_ && !ended_.timed_out) {
      return environment_error(ErrorCode::kFailedPrecondition,
                               "the process has ended, but its exit code cannot be read: another "
                               "process traces process " +
                                   std::to_string(pid) + "; end that tracer (a debugger, strace)");
    }
    ended_.status.exit_code = -SIGKILL;
    ended_.cancelled = stopped_;
    return with_output();
  }

  // Nobody who is known writes any more.
  Result<Ended> with_output() {
    KILN_TRY(out_.drain());
    KILN_TRY(err_.drain());
    return ended_;
  }

  int patience() const {  // milliseconds, rounded up
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000'000));
  }

  os::Child child_;
  Enclosure& enclosure_;
  Stream out_;
  Stream err_;
  const int stop_fd_;
  const Supervision& how_;

  // Of the timeout, then of the grace, then of the patience.
  std::optional<steady_clock::time_point> deadline_;
  bool killed_ = false;
  bool stopped_ = false;
  std::optional<Error> failure_;
  Ended ended_;
};

}  // namespace

Result<Ended> supervise(Enclosure& enclosure, const Supervision& how) {
  KILN_ASSIGN(Stream out, Stream::open(how.stdout_sink));
  KILN_ASSIGN(Stream err, Stream::open(how.stderr_sink));
  KILN_ASSIGN(const UniqueFd stop_fd, StopEvent::make_fd());
  const StopEvent stop_event(how.stop, stop_fd.get());
  KILN_ASSIGN(os::Child child, enclosure.start(out.write_fd(), err.write_fd()));
  return Supervisor(std::move(child), enclosure, std::move(out), std::move(err), stop_fd.get(), how)
      .stay();
}

}  // namespace kiln::exec
