// InotifyWatcher: the watcher without its loop: nothing happens but inside its calls.
//
// Owns:    the inotify instance and the table of watches.
// Threads: thread-safe; one lock around the table and the queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/sync.h"
#include "daemon/os/inotify.h"
#include "daemon/os/mounts.h"
#include "daemon/watch/watch_table.h"
#include "daemon/watch/watcher.h"

namespace kiln::watch {

class InotifyWatcher final : public Watcher {
 public:
  // As make_inotify_watcher().
  static Result<std::unique_ptr<InotifyWatcher>> create(ChangeSink& sink, Log& log,
                                                        uint64_t max_watches = 0);

  // Readable (poll) while events are queued.
  int fd() const { return fd_; }

  Result<Watch> watch(const std::string& absolute_directory) override;
  ClockTick synchronize() override;
  WatchStats stats() const override;
  // Gives back the watches that the sink does not need any more, if it has forgotten something
  // since the last call. Other calls get their turn in between.
  void tidy();

 private:
  InotifyWatcher(ChangeSink& sink, Log& log, uint64_t max_watches, os::Inotify inotify,
                 std::optional<os::Mounts> mounts);

  // The watch descriptor for `directory`, or WatchTable::kNone.
  Result<int> place(const std::string& directory, bool tells) KILN_REQUIRES(mutex_);
  // Whether this kernel tells of all changes there.
  Result<bool> tells_changes(const std::string& directory) KILN_EXCLUDES(mutex_);
  Result<void> read_queue() KILN_REQUIRES(mutex_);
  void look_at_mounts() KILN_REQUIRES(mutex_);
  void give_back_orphans() KILN_REQUIRES(mutex_);
  void report_limit() KILN_REQUIRES(mutex_);

  ChangeSink& sink_;
  Log& log_;
  const uint64_t max_watches_;
  const int fd_;

  mutable Mutex mutex_;
  os::Inotify inotify_ KILN_GUARDED_BY(mutex_);
  WatchTable table_ KILN_GUARDED_BY(mutex_);
  std::optional<os::Mounts> mounts_ KILN_GUARDED_BY(mutex_);      // nothing where there is no /proc
  std::vector<os::Mount> mounted_ KILN_GUARDED_BY(mutex_);        // at the last look
  uint64_t tidied_at_ KILN_GUARDED_BY(mutex_) = 0;                // ChangeSink::forgotten()
  std::vector<os::InotifyEvent> events_ KILN_GUARDED_BY(mutex_);  // kept for its capacity
  uint64_t tick_ KILN_GUARDED_BY(mutex_) = 0;
  uint64_t event_count_ KILN_GUARDED_BY(mutex_) = 0;
  uint64_t overflow_count_ KILN_GUARDED_BY(mutex_) = 0;
  bool limit_reported_ KILN_GUARDED_BY(mutex_) = false;
  bool file_system_reported_ KILN_GUARDED_BY(mutex_) = false;
};

}  // namespace kiln::watch
