#include "daemon/exec/sandbox_pool.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <stop_token>
#include <thread>
#include <vector>

#include "common/base/file.h"
#include "common/base/sync.h"
#include "daemon/os/directory.h"

namespace kiln::exec {
namespace {

constexpr std::string_view kRunPrefix = "run-";
constexpr std::string_view kKeepPrefix = "keep-";
// More emptied directories than this are removed.
constexpr size_t kSpares = 32;
// With more than this waiting, whoever gives one back empties it: the disk must not fill up
// because a thread of low priority gets no time.
constexpr size_t kBacklog = 64;

struct Returned {
  std::string name;
  bool reusable = false;
  UniqueFd fd;  // invalid for leftovers of an earlier life
};

struct Spare {
  std::string name;
  UniqueFd fd;
};

// Nobody waits longer than this for directories to be removed.
constexpr std::chrono::milliseconds kFarewell{500};

Result<void> empty_directory(int fd, const std::stop_token& stop) {
  ::fchmod(fd, 0700);
  KILN_ASSIGN(const std::vector<os::DirEntry> entries, os::list_directory(fd));
  for (const os::DirEntry& entry : entries) KILN_TRY(os::remove_tree(fd, entry.name.c_str(), stop));
  return {};
}

// A process may have put default ACLs or inode flags on its directory, which the next one must not
// inherit.
bool is_pristine(int fd) {
  unsigned flags = 0;
  const bool has_flags = ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
  constexpr unsigned kHarmless = 0x00081000;  // EXT4_INDEX_FL | EXT4_EXTENTS_FL
  return ::flistxattr(fd, nullptr, 0) <= 0 && (!has_flags || (flags & ~kHarmless) == 0);
}

}  // namespace

struct SandboxPool::Impl {
  Impl(std::string directory_path, UniqueFd directory_fd, Counters& counters, Log& sink)
      : path(std::move(directory_path)),
        fd(std::move(directory_fd)),
        life(std::to_string(std::chrono::system_clock::now().time_since_epoch().count() / 1000)),
        removed(counters["sandbox.removed"]),
        made(counters["sandbox.made"]),
        log(sink) {}

  void clean_until_closed();
  void clean(Returned returned);
  void give_back(Returned returned, bool aside);

  const std::string path;
  const UniqueFd fd;
  const std::string life;  // tells names from those of an earlier life
  Counter& removed;
  Counter& made;
  Log& log;
  std::atomic<uint64_t> next = 1;

  Mutex mutex;
  CondVar changed;
  bool closed KILN_GUARDED_BY(mutex) = false;
  std::deque<Returned> returned KILN_GUARDED_BY(mutex);
  std::vector<Spare> spares KILN_GUARDED_BY(mutex);
  bool all_clean KILN_GUARDED_BY(mutex) = false;  // the cleaner has ended

  std::stop_source leave;  // what is not clean yet
  std::thread cleaner;
};

void SandboxPool::Impl::clean_until_closed() {
  ::pthread_setname_np(::pthread_self(), "kiln-clean");
  ::setpriority(PRIO_PROCESS, 0, 19);  // on Linux: of this thread
  for (;;) {
    Returned next_one;
    {
      MutexLock lock(mutex);
      changed.wait(mutex, [&]() KILN_REQUIRES(mutex) { return closed || !returned.empty(); });
      if (returned.empty() || leave.stop_requested()) {
        all_clean = true;
        changed.notify_all();
        return;
      }
      next_one = std::move(returned.front());
      returned.pop_front();
    }
    clean(std::move(next_one));
  }
}

void SandboxPool::Impl::clean(Returned one) {
  if (one.reusable && empty_directory(one.fd.get(), leave.get_token()).ok() &&
      is_pristine(one.fd.get())) {
    MutexLock lock(mutex);
    if (!closed && spares.size() < kSpares) {
      spares.push_back(Spare{.name = std::move(one.name), .fd = std::move(one.fd)});
      return;
    }
  }
  const auto gone = os::remove_tree(fd.get(), one.name.c_str(), leave.get_token());
  if (gone.ok()) {
    removed.add();
  } else if (gone.error().code() != ErrorCode::kCancelled) {
    log.warn("cannot remove the sandbox " + path + "/" + one.name + ": " +
             gone.error().to_string());
  }
}

void SandboxPool::Impl::give_back(Returned one, bool aside) {
  {
    MutexLock lock(mutex);
    if (aside || returned.size() < kBacklog) {
      returned.push_back(std::move(one));
      changed.notify_one();
      return;
    }
  }
  clean(std::move(one));
}

SandboxPool::SandboxPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->cleaner = std::thread([this] { impl_->clean_until_closed(); });
}

SandboxPool::~SandboxPool() {
  {
    MutexLock lock(impl_->mutex);
    impl_->closed = true;
    for (Spare& spare : impl_->spares) {
      impl_->returned.push_front(
          Returned{.name = std::move(spare.name), .reusable = false, .fd = {}});
    }
    impl_->spares.clear();
    impl_->changed.notify_all();
    const auto leave_at = std::chrono::steady_clock::now() + kFarewell;
    while (!impl_->all_clean && std::chrono::steady_clock::now() < leave_at) {
      impl_->changed.wait_for(impl_->mutex, kFarewell);
    }
  }
  impl_->leave.request_stop();
  impl_->cleaner.join();
}

Result<std::unique_ptr<SandboxPool>> SandboxPool::open(const std::string& directory,
                                                       Counters& counters, Log& log) {
  KILN_TRY(make_directories(directory, 0700));
  KILN_ASSIGN(UniqueFd fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  KILN_ASSIGN(const std::vector<os::DirEntry> entries, os::list_directory(fd.get()));
  if (::faccessat(fd.get(), ".", W_OK | X_OK, 0) != 0) {
    return os_error(errno, "write in the directory of sandboxes, " + directory);
  }
  auto impl = std::make_unique<Impl>(directory, std::move(fd), counters, log);
  {
    MutexLock lock(impl->mutex);
    for (const os::DirEntry& entry : entries) {
      if (!entry.name.starts_with(kRunPrefix)) continue;
      impl->returned.push_back(Returned{.name = entry.name, .reusable = false, .fd = {}});
    }
  }
  return std::unique_ptr<SandboxPool>(new SandboxPool(std::move(impl)));
}

Result<SandboxDirectory> SandboxPool::take(bool may_be_kept) {
  if (!may_be_kept) {
    MutexLock lock(impl_->mutex);
    if (!impl_->spares.empty()) {
      Spare spare = std::move(impl_->spares.back());
      impl_->spares.pop_back();
      return SandboxDirectory(*this, std::move(spare.name), true, std::move(spare.fd));
    }
  }
  const std::string name = std::string(may_be_kept ? kKeepPrefix : kRunPrefix) + impl_->life + "-" +
                           std::to_string(impl_->next.fetch_add(1));
  const std::string what = "the sandbox " + impl_->path + "/" + name;
  if (::mkdirat(impl_->fd.get(), name.c_str(), 0700) != 0) return os_error(errno, "make " + what);
  impl_->made.add();
  UniqueFd fd(
      ::openat(impl_->fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    const int error = errno;
    ::unlinkat(impl_->fd.get(), name.c_str(), AT_REMOVEDIR);
    return os_error(error, "open " + what);
  }
  return SandboxDirectory(*this, name, !may_be_kept, std::move(fd));
}

SandboxDirectory::SandboxDirectory(SandboxPool& pool, std::string name, bool reusable, UniqueFd fd)
    : pool_(&pool),
      name_(std::move(name)),
      path_(pool.impl_->path + "/" + name_),
      reusable_(reusable),
      fd_(std::move(fd)) {}

SandboxDirectory::SandboxDirectory(SandboxDirectory&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      name_(std::move(other.name_)),
      path_(std::move(other.path_)),
      reusable_(other.reusable_),
      aside_(other.aside_),
      fd_(std::move(other.fd_)) {}

SandboxDirectory::~SandboxDirectory() {
  if (pool_ == nullptr) return;
  pool_->impl_->give_back(
      Returned{.name = std::move(name_), .reusable = reusable_, .fd = std::move(fd_)}, aside_);
}

}  // namespace kiln::exec
