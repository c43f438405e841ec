// make_inotify_watcher(): an InotifyWatcher and the thread that keeps its queue short.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <thread>
#include <utility>

#include "common/base/unique_fd.h"
#include "daemon/watch/inotify_watcher.h"

namespace kiln::watch {

namespace {

// Calls synchronize() when events arrive while nobody asks. Owns its thread; joined on destruction.
class WatchLoop {
 public:
  WatchLoop(InotifyWatcher& watcher, UniqueFd stop)
      : watcher_(watcher), stop_(std::move(stop)), thread_([this] { run(); }) {}
  ~WatchLoop() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  WatchLoop(const WatchLoop&) = delete;
  WatchLoop& operator=(const WatchLoop&) = delete;

 private:
  // Requests drain the queue themselves, so the loop only has to be quicker than the queue fills
  // (16,384 events by default); with a pause it costs a busy writer one wake-up per pause, not one
  // per write.
  static constexpr int kPauseMs = 10;

  void run() {
    std::array<pollfd, 2> fds = {{{stop_.get(), POLLIN, 0}, {watcher_.fd(), POLLIN, 0}}};
    while (!stopped(fds, -1)) {
      watcher_.synchronize();
      if (stopped(std::span(fds).first(1), kPauseMs)) return;
    }
  }

  // Waits for one of `fds`; the first is stop_.
  static bool stopped(std::span<pollfd> fds, int timeout_ms) {
    const int ready = ::poll(fds.data(), fds.size(), timeout_ms);
    return ready > 0 && fds[0].revents != 0;
  }

  InotifyWatcher& watcher_;
  const UniqueFd stop_;
  std::thread thread_;
};

class LoopedWatcher final : public Watcher {
 public:
  LoopedWatcher(std::unique_ptr<InotifyWatcher> watcher, UniqueFd stop)
      : watcher_(std::move(watcher)), loop_(*watcher_, std::move(stop)) {}

  Result<Watch> watch(const std::string& absolute_directory) override {
    return watcher_->watch(absolute_directory);
  }
  ClockTick synchronize() override { return watcher_->synchronize(); }
  WatchStats stats() const override { return watcher_->stats(); }

 private:
  const std::unique_ptr<InotifyWatcher> watcher_;
  WatchLoop loop_;  // the last member: it uses the others
};

}  // namespace

Result<std::unique_ptr<Watcher>> make_inotify_watcher(ChangeSink& sink, Log& log,
                                                      uint64_t max_watches) {
  KILN_ASSIGN(auto watcher, InotifyWatcher::create(sink, log, max_watches));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return os_error(errno, "make an eventfd");
  return std::unique_ptr<Watcher>(
      std::make_unique<LoopedWatcher>(std::move(watcher), std::move(stop)));
}

}  // namespace kiln::watch
