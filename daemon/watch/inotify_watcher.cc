#include "daemon/watch/inotify_watcher.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/file.h"
#include "common/types/rel_path.h"

namespace kiln::watch {

namespace {

// IN_EXCL_UNLINK: a file that was deleted but is still written by someone is no longer an entry.
constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                           IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                           IN_DONT_FOLLOW | IN_EXCL_UNLINK;

// File systems whose content changes without this kernel's doing, so that inotify does not see it.
bool changes_unseen(const std::string& directory) {
  constexpr unsigned kCifs = 0xFF534D42;
  constexpr unsigned kLustre = 0x0BD00BD0;
  constexpr unsigned kGpfs = 0x47504653;
  constexpr unsigned kGfs2 = 0x01161970;
  constexpr unsigned kVboxShared = 0x786F4256;
  struct statfs fs;
  if (::statfs(directory.c_str(), &fs) != 0) return false;  // inotify_add_watch(2) will say why
  switch (static_cast<unsigned>(fs.f_type)) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case kCifs:
    case FUSE_SUPER_MAGIC:
    case V9FS_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CEPH_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case kLustre:
    case kGpfs:
    case kGfs2:
    case kVboxShared:
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
      return true;
    default:
      return false;
  }
}

// Fails where there is no directory to be watched.
Result<void> check_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid()) return {};
  return os_error(errno, "watch " + directory);
}

}  // namespace

InotifyWatcher::InotifyWatcher(ChangeSink& sink, Log& log, uint64_t max_watches,
                               os::Inotify inotify, std::optional<os::Mounts> mounts)
    : sink_(sink),
      log_(log),
      max_watches_(max_watches),
      fd_(inotify.fd()),
      inotify_(std::move(inotify)),
      mounts_(std::move(mounts)) {
  MutexLock lock(mutex_);
  look_at_mounts();
  (void)table_.take_changes();
}

Result<std::unique_ptr<InotifyWatcher>> InotifyWatcher::create(ChangeSink& sink, Log& log,
                                                               uint64_t max_watches) {
  KILN_ASSIGN(os::Inotify inotify, os::Inotify::create());
  auto opened = os::Mounts::open();
  if (!opened.ok()) log.warn("mounts will not be noticed: " + opened.error().to_string());
  std::optional<os::Mounts> mounts;
  if (opened.ok()) mounts = *std::move(opened);
  return std::unique_ptr<InotifyWatcher>(
      new InotifyWatcher(sink, log, max_watches, std::move(inotify), std::move(mounts)));
}

// Asks the kernel even where a watch is known: the answer is about the directory that stands there
// now, also if the events that say so were lost in an overflow or wait in the queue. The lock is
// held across the system call, so that no event of the new watch is read before it is bound.
Result<Watch> InotifyWatcher::watch(const std::string& absolute_directory) {
  const Result<bool> told = tells_changes(absolute_directory);
  MutexLock lock(mutex_);
  auto placed = told.ok() ? place(absolute_directory, *told) : told.error();
  if (!placed.ok()) {
    table_.forget(absolute_directory);
    give_back_orphans();
    return placed.error();
  }
  const Watch watch = table_.bind(absolute_directory, *placed);
  give_back_orphans();
  return watch;
}

// Without the lock: where a server has to be asked, that may take for ever.
Result<bool> InotifyWatcher::tells_changes(const std::string& directory) {
  {
    MutexLock lock(mutex_);
    if (table_.is_active(directory)) return true;
  }
  if (!changes_unseen(directory)) return true;
  KILN_TRY(check_directory(directory));
  return false;
}

Result<int> InotifyWatcher::place(const std::string& directory, bool tells) {
  if (!tells) {
    if (!std::exchange(file_system_reported_, true)) {
      log_.info(printable(directory) +
                " is on a file system that does not report changes; directories on it are read "
                "again at each request");
    }
    return WatchTable::kNone;
  }
  if (!table_.is_active(directory)) {
    if (max_watches_ != 0 && table_.descriptors() >= max_watches_) {
      report_limit();
      KILN_TRY(check_directory(directory));
      return WatchTable::kNone;
    }
  }
  const int added = inotify_.add(directory, kMask);
  if (added >= 0) return added;
  if (added == -EACCES) {  // it may be searched and not read: then inotify refuses it
    KILN_TRY(check_directory(directory));
    return WatchTable::kNone;
  }
  if (added != -ENOSPC && added != -ENOMEM) return os_error(-added, "watch " + directory);
  report_limit();
  return WatchTable::kNone;
}

void InotifyWatcher::report_limit() {
  if (std::exchange(limit_reported_, true)) return;
  log_.warn("the limit of watched directories is reached (" + std::to_string(table_.descriptors()) +
            " placed); further ones are read again at each request, which is slower; raise it "
            "with 'sysctl fs.inotify.max_user_watches=1048576'");
}

void InotifyWatcher::give_back_orphans() {
  for (const int descriptor : table_.take_orphans()) inotify_.remove(descriptor);
}

ClockTick InotifyWatcher::synchronize() {
  MutexLock lock(mutex_);
  if (auto read = read_queue(); !read.ok()) {
    log_.error(read.error().to_string());
    table_.overflow();  // what could not be read is lost
  }
  look_at_mounts();
  const std::vector<Change> changes = table_.take_changes();
  if (!changes.empty()) {
    overflow_count_ += static_cast<uint64_t>(
        std::count_if(changes.begin(), changes.end(),
                      [](const Change& change) { return change.kind == Change::Kind::kOverflow; }));
    ++tick_;
    sink_.changed(changes);
  }
  return ClockTick{tick_};
}

void InotifyWatcher::look_at_mounts() {
  if (!mounts_ || !mounts_->changed()) return;
  auto now = mounts_->read();
  if (!now.ok()) {
    log_.error(now.error().to_string());
    table_.overflow();  // what could not be read may be anything
    return;
  }
  for (const std::string& point : os::changed_points(mounted_, *now)) table_.remounted(point);
  mounted_ = *std::move(now);
  give_back_orphans();
}

void InotifyWatcher::tidy() {
  constexpr size_t kAtOnce = 512;
  const uint64_t forgotten = sink_.forgotten();
  {
    MutexLock lock(mutex_);
    if (std::exchange(tidied_at_, forgotten) == forgotten) return;
  }
  std::string at;
  do {
    MutexLock lock(mutex_);
    at = table_.release(at, kAtOnce,
                        [this](const std::string& directory) { return sink_.needs(directory); });
    give_back_orphans();
  } while (!at.empty());
}

// What was queued at the call, not what is queued meanwhile: a busy writer cannot hold a request.
Result<void> InotifyWatcher::read_queue() {
  KILN_ASSIGN(size_t left, inotify_.queued());
  while (left > 0) {
    KILN_ASSIGN(const size_t n, inotify_.read(events_));
    if (n == 0) break;
    left -= std::min(left, n);
    event_count_ += events_.size();
    for (const os::InotifyEvent& event : events_) table_.apply(event);
    give_back_orphans();
  }
  return {};
}

WatchStats InotifyWatcher::stats() const {
  MutexLock lock(mutex_);
  return {.watched = table_.descriptors(),
          .unwatched = table_.unwatched(),
          .events = event_count_,
          .overflows = overflow_count_};
}

}  // namespace kiln::watch
