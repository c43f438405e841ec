// make_inotify_watcher(): an InotifyWatcher and the thread that keeps its queue short.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "common/base/unique_fd.h"
#include "daemon/os/mounts.h"
#include "daemon/watch/inotify_watcher.h"

namespace kiln::watch {

namespace {

// Calls synchronize() when events arrive while nobody asks, and tidies up after requests. Owns its
// thread; joined on destruction.
class WatchLoop {
 public:
  // `mounts` may be nothing.
  WatchLoop(InotifyWatcher& watcher, UniqueFd stop, UniqueFd asked,
            std::optional<os::Mounts> mounts)
      : watcher_(watcher),
        stop_(std::move(stop)),
        asked_(std::move(asked)),
        mounts_(std::move(mounts)),
        thread_([this] { run(); }) {}
  ~WatchLoop() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  WatchLoop(const WatchLoop&) = delete;
  WatchLoop& operator=(const WatchLoop&) = delete;

  // A request was made. The thread wakes for the first since it tidied up, and sleeps while there
  // are none.
  void asked() {
    if (!tidies_.exchange(true)) ::eventfd_write(asked_.get(), 1);
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Requests drain the queue themselves, so the loop only has to be quicker than the queue fills
  // (16,384 events by default); with a pause it costs a busy writer one wake-up per pause, not one
  // per write.
  static constexpr std::chrono::milliseconds kPause{10};
  // What requests make the sink forget is known so long after them.
  static constexpr std::chrono::milliseconds kTidyAfter{500};

  void run() {
    std::optional<Clock::time_point> tidy_at;
    // Polling the descriptor takes the change: the watcher has another one for its barrier.
    std::array<pollfd, 4> fds = {{{stop_.get(), POLLIN, 0},
                                  {watcher_.fd(), POLLIN, 0},
                                  {asked_.get(), POLLIN, 0},
                                  {mounts_ ? mounts_->fd() : -1, POLLPRI, 0}}};
    for (;;) {
      wait(fds, tidy_at);
      if (fds[0].revents != 0) return;
      if (fds[2].revents != 0) {
        eventfd_t count = 0;
        ::eventfd_read(asked_.get(), &count);
        tidy_at = Clock::now() + kTidyAfter;
      }
      if (tidy_at && Clock::now() >= *tidy_at) {
        tidy_at.reset();
        tidies_.store(false);
        watcher_.tidy();
      }
      if (fds[1].revents == 0 && fds[3].revents == 0) continue;
      watcher_.synchronize();
      wait(std::span(fds).first(1), Clock::now() + kPause);
      if (fds[0].revents != 0) return;
    }
  }

  static void wait(std::span<pollfd> fds, std::optional<Clock::time_point> until) {
    int timeout_ms = -1;
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now());
      timeout_ms = static_cast<int>(std::max<int64_t>(left.count(), 0));
    }
    for (pollfd& fd : fds) fd.revents = 0;
    ::poll(fds.data(), fds.size(), timeout_ms);
  }

  InotifyWatcher& watcher_;
  const UniqueFd stop_;
  const UniqueFd asked_;
  const std::optional<os::Mounts> mounts_;
  std::atomic<bool> tidies_{false};
  std::thread thread_;
};

class LoopedWatcher final : public Watcher {
 public:
  LoopedWatcher(std::unique_ptr<InotifyWatcher> watcher, UniqueFd stop, UniqueFd asked,
                std::optional<os::Mounts> mounts)
      : watcher_(std::move(watcher)),
        loop_(*watcher_, std::move(stop), std::move(asked), std::move(mounts)) {}

  Result<Watch> watch(const std::string& absolute_directory) override {
    return watcher_->watch(absolute_directory);
  }
  ClockTick synchronize() override {
    loop_.asked();
    return watcher_->synchronize();
  }
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
  UniqueFd asked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid() || !asked.valid()) return os_error(errno, "make an eventfd");
  std::optional<os::Mounts> mounts;
  if (auto opened = os::Mounts::open(); opened.ok()) mounts = *std::move(opened);
  return std::unique_ptr<Watcher>(std::make_unique<LoopedWatcher>(
      std::move(watcher), std::move(stop), std::move(asked), std::move(mounts)));
}

}  // namespace kiln::watch
