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

  // All of it.
  Result<void> drain() {
    for (size_t chunk = 1; chunk > 0;) {
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
    KILN_ASSIGN(ended_.descendants_killed, enclosure_.end());
    ended_.cancelled = stopped_ && ended_.status.exit_code == -SIGKILL;
    if (failure_) return *failure_;
    // Nobody writes any more; what a descendant that shed its tag still writes does not count.
    KILN_TRY(out_.drain());
    KILN_TRY(err_.drain());
    return ended_;
  }

 private:
  enum Slot : size_t { kEnded, kStop, kOut, kErr };

  // Waits for the next event and acts on it; false when the process has ended.
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
    enclosure_.signal_all(SIGTERM);
    deadline_ = steady_clock::now() + grace_;
  }

  int patience() const {  // milliseconds, rounded up
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000'000));
  }

  const os::Child child_;
  Enclosure& enclosure_;
  Stream out_;
  Stream err_;
  const int stop_fd_;
  const std::chrono::milliseconds grace_;

  std::optional<steady_clock::time_point> deadline_;  // of the timeout, then of the grace
  bool stopped_ = false;
  std::optional<Error> failure_;
  Ended ended_;
};

// A process that is spawned without namespaces; a tag finds its descendants.
class TaggedFamily final : public Enclosure {
 public:
  explicit TaggedFamily(os::SpawnRequest request) : request_(std::move(request)) {}

  Result<os::Child> start(int stdout_fd, int stderr_fd) override {
    request_.stdout_fd = stdout_fd;
    request_.stderr_fd = stderr_fd;
    KILN_ASSIGN(os::Child child, os::spawn(request_));
    birth_ = child.birth;
    return child;
  }
  void signal_all(int signal) override { os::signal_tagged(request_.tag, signal); }
  Result<size_t> end() override { return os::kill_tagged(request_.tag, birth_); }

 private:
  os::SpawnRequest request_;
  os::Birth birth_;
};

}  // namespace

Result<Ended> supervise(os::SpawnRequest request, const Supervision& how) {
  TaggedFamily family(std::move(request));
  return supervise(family, how);
}

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
