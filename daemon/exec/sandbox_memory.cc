#include "daemon/exec/sandbox_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>
#include <set>
#include <thread>
#include <utility>

#include "common/base/file.h"
#include "common/base/sync.h"
#include "daemon/os/directory.h"

namespace kiln::exec {
namespace {

using std::chrono::steady_clock;

// A process can fill some 100 MiB between two looks.
constexpr std::chrono::milliseconds kBetweenLooks{20};
// What is found by itself has to have this much room, so that one look is enough to see it filled.
constexpr uint64_t kLeastRoom = uint64_t{1} << 30;
// Of the room, all inputs together take at most a quarter: processes write, too.
constexpr uint64_t kShare = 4;
// With less than this part of the first room left, nothing may go on in memory.
constexpr uint64_t kReserve = 8;
// What a file takes besides its bytes, at most: a page that is not full, and the inode.
constexpr uint64_t kBytesPerEntry = 5 << 10;
constexpr int kTries = 8;

// The number after `name` in lines of "name 123" or "name: 123 kB".
uint64_t number_after(const std::string& text, std::string_view name) {
  size_t at = text.starts_with(name) ? 0 : text.find("\n" + std::string(name));
  if (at == std::string::npos) return 0;
  at = text.find_first_of("0123456789", at + name.size());
  uint64_t number = 0;
  if (at != std::string::npos) {
    std::from_chars(text.data() + at, text.data() + text.size(), number);
  }
  return number;
}

// Memory that processes can still have: of the machine, and of a container, whose own group is the
// top of what it sees.
uint64_t available_memory() {
  uint64_t available = std::numeric_limits<uint64_t>::max();
  if (const auto machine = read_file("/proc/meminfo"); machine.ok()) {
    available = number_after(*machine, "MemAvailable:") << 10;
  }
  const auto limit = read_file("/sys/fs/cgroup/memory.max");
  if (!limit.ok() || limit->starts_with("max")) return available;
  const auto use = read_file("/sys/fs/cgroup/memory.stat");
  if (!use.ok()) return available;
  const uint64_t most = number_after(*limit, "");
  const uint64_t taken = number_after(*use, "anon ") + number_after(*use, "shmem ");
  return std::min(available, most > taken ? most - taken : 0);
}

// What the file system of `fd` has left. A microsecond.
uint64_t file_system_room(int fd) {
  struct statvfs fs;
  if (::fstatvfs(fd, &fs) != 0) return 0;
  uint64_t room = uint64_t{fs.f_bavail} * fs.f_frsize;
  if (fs.f_files > 0) room = std::min(room, uint64_t{fs.f_favail} * kBytesPerEntry);
  return room;
}

// The room that files in the file system of `fd` can still have.
uint64_t room_of(int fd) { return std::min(file_system_room(fd), available_memory()); }

std::string prefix() { return "kiln-" + std::to_string(::getuid()) + "-"; }

// The files above a sandbox are not for tools to find: only the owner of the machine, or of the
// files themselves, may make some.
bool others_write(const struct stat& st) {
  return (st.st_mode & 0022) != 0 && (st.st_mode & S_ISVTX) == 0;
}

Error unfit(const std::string& path, std::string_view why) {
  return environment_error(ErrorCode::kFailedPrecondition,
                           "sandboxes cannot be made in " + path + ": " + std::string(why));
}

Result<UniqueFd> open_parent(const std::string& path) {
  if (!path.starts_with('/')) return unfit(path, "it is not an absolute path");
  KILN_ASSIGN(UniqueFd fd, open_file(path, O_RDONLY | O_DIRECTORY));
  struct stat st;
  struct statfs fs;
  struct statvfs flags;
  if (::fstat(fd.get(), &st) != 0 || ::fstatfs(fd.get(), &fs) != 0 ||
      ::fstatvfs(fd.get(), &flags) != 0) {
    return os_error(errno, "look at " + path);
  }
  if (fs.f_type != TMPFS_MAGIC) return unfit(path, "it is not in memory (a tmpfs)");
  if ((flags.f_flag & ST_RDONLY) != 0) return unfit(path, "it is mounted read-only");
  if ((flags.f_flag & ST_NOEXEC) != 0) {
    return unfit(path, "it is mounted noexec, so processes cannot execute their inputs there");
  }
  if (others_write(st)) return unfit(path, "others may write in it, and it has no sticky bit");
  return fd;
}

// A directory of this user's own, and the lock on it.
std::optional<UniqueFd> lock_own(int parent_fd, const std::string& name) {
  UniqueFd fd(::openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!fd.valid() || ::fstat(fd.get(), &st) != 0 || st.st_uid != ::geteuid()) return std::nullopt;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;  // its daemon lives
  return fd;
}

// But for `own`, which the pool empties in the background.
void remove_leftovers(int parent_fd, const std::string& parent, const std::string& own, Log& log) {
  const auto entries = os::list_directory(parent_fd);
  if (!entries.ok()) return;
  for (const os::DirEntry& entry : *entries) {
    if (!entry.name.starts_with(prefix()) || entry.name == own) continue;
    const auto locked = lock_own(parent_fd, entry.name);
    if (!locked) continue;
    const auto removed = os::remove_tree(parent_fd, entry.name.c_str());
    if (removed.ok()) continue;
    log.warn("cannot remove what a dead daemon left in " + parent + ": " +
             removed.error().to_string());
  }
}

// Makes the directory `name`, locked. Another daemon that starts may take it for a leftover before
// it is locked: then once more.
Result<UniqueFd> make_locked(int parent_fd, const std::string& parent, const std::string& name) {
  for (int i = 0; i < kTries; ++i) {
    if (::mkdirat(parent_fd, name.c_str(), 0700) != 0 && errno != EEXIST) {
      return os_error(errno, "make the directory " + parent + "/" + name);
    }
    auto fd = lock_own(parent_fd, name);
    if (!fd) continue;
    struct stat locked;
    struct stat there;
    if (::fstat(fd->get(), &locked) == 0 &&
        ::fstatat(parent_fd, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        locked.st_ino == there.st_ino && locked.st_dev == there.st_dev &&
        ::fchmod(fd->get(), 0700) == 0) {
      return *std::move(fd);
    }
  }
  return unfit(parent, name + " is in use there, or is not a directory of this user");
}

// What a mount's flags do not say, a security module may.
Result<void> try_executable(int fd, const std::string& path) {
  constexpr const char* kName = "probe";
  const UniqueFd file(::openat(fd, kName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  if (!file.valid()) return os_error(errno, "make a file in " + path);
  const bool executable = ::faccessat(fd, kName, X_OK, 0) == 0;
  ::unlinkat(fd, kName, 0);
  if (!executable) return unfit(path, "files in it cannot be executed");
  return {};
}

uint64_t need_of(const store::Extent& inputs) {
  constexpr uint64_t kFar = uint64_t{1} << 60;
  return std::min(inputs.bytes, kFar) + std::min(inputs.entries, kFar >> 13) * kBytesPerEntry;
}

}  // namespace

struct MemorySandbox::Lease {
  Lease(std::stop_token caller, uint64_t bytes)
      : bytes(bytes), passed_on(std::move(caller), Pass{stop}) {}
  struct Pass {
    std::stop_source& stop;
    void operator()() const { stop.request_stop(); }
  };
  const uint64_t bytes;
  std::atomic<bool> outgrown = false;
  std::stop_source stop;
  std::stop_callback<Pass> passed_on;
};

struct SandboxMemory::Impl {
  Impl(std::string parent_path, UniqueFd parent, std::string own_name, UniqueFd own,
       Counters& counters)
      : path(parent_path + "/" + own_name),
        name(std::move(own_name)),
        parent_fd(std::move(parent)),
        fd(std::move(own)),
        first_room(room_of(fd.get())),
        in_memory(counters["sandbox.in_memory"]),
        outgrown(counters["sandbox.outgrown"]) {}

  bool is_short(uint64_t left) const { return left < first_room / kReserve; }
  void watch_until_closed();
  void look() KILN_REQUIRES(mutex);

  const std::string path;
  const std::string name;
  const UniqueFd parent_fd;
  const UniqueFd fd;  // with the lock
  const uint64_t first_room;
  Counter& in_memory;
  Counter& outgrown;

  mutable Mutex mutex;
  CondVar changed;
  bool closed KILN_GUARDED_BY(mutex) = false;
  uint64_t room KILN_GUARDED_BY(mutex) = 0;  // at the last look
  steady_clock::time_point looked KILN_GUARDED_BY(mutex);
  uint64_t lent KILN_GUARDED_BY(mutex) = 0;
  std::set<std::shared_ptr<MemorySandbox::Lease>> leases KILN_GUARDED_BY(mutex);

  std::unique_ptr<SandboxPool> pool;
  std::thread watcher;
};

void SandboxMemory::Impl::look() {
  room = room_of(fd.get());
  looked = steady_clock::now();
}

void SandboxMemory::Impl::watch_until_closed() {
  for (;;) {
    std::vector<std::shared_ptr<MemorySandbox::Lease>> stopped;
    {
      MutexLock lock(mutex);
      changed.wait(mutex, [&]() KILN_REQUIRES(mutex) { return closed || !leases.empty(); });
      if (closed) return;
      changed.wait_for(mutex, kBetweenLooks);
      look();
      if (is_short(room)) stopped.assign(leases.begin(), leases.end());
    }
    // Without the lock: who is stopped may give back at once.
    for (const auto& lease : stopped) {
      lease->outgrown = true;
      lease->stop.request_stop();
    }
  }
}

SandboxMemory::SandboxMemory(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->watcher = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "kiln-memory");
    impl_->watch_until_closed();
  });
}

SandboxMemory::~SandboxMemory() {
  {
    MutexLock lock(impl_->mutex);
    impl_->closed = true;
    impl_->changed.notify_all();
  }
  impl_->watcher.join();
  impl_->pool.reset();
  ::unlinkat(impl_->parent_fd.get(), impl_->name.c_str(), AT_REMOVEDIR);  // if all is removed
}

Result<std::unique_ptr<SandboxMemory>> SandboxMemory::open(const std::string& parent,
                                                           uint32_t instance, Counters& counters,
                                                           Log& log) {
  KILN_ASSIGN(UniqueFd parent_fd, open_parent(parent));
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", instance);
  std::string name = prefix() + digits.data();
  remove_leftovers(parent_fd.get(), parent, name, log);
  KILN_ASSIGN(UniqueFd fd, make_locked(parent_fd.get(), parent, name));
  const auto usable = try_executable(fd.get(), parent);
  if (!usable.ok()) {
    ::unlinkat(parent_fd.get(), name.c_str(), AT_REMOVEDIR);
    return usable.error();
  }
  auto impl = std::make_unique<Impl>(parent, std::move(parent_fd), std::move(name), std::move(fd),
                                     counters);
  KILN_ASSIGN(impl->pool, SandboxPool::open(impl->path, counters, log));
  return std::unique_ptr<SandboxMemory>(new SandboxMemory(std::move(impl)));
}

std::unique_ptr<SandboxMemory> SandboxMemory::find(const std::vector<std::string>& places,
                                                   uint32_t instance, Counters& counters,
                                                   Log& log) {
  std::string why;
  for (const std::string& place : places) {
    auto made = open(place, instance, counters, log);
    if (made.ok() && (*made)->impl_->first_room >= kLeastRoom) return *std::move(made);
    why += "; " + (made.ok() ? place + " has less than 1 GiB of room" : made.error().to_string());
  }
  log.info("sandboxes of the level plain are made on disk" + why);
  return nullptr;
}

std::optional<MemorySandbox> SandboxMemory::take(const store::Extent& inputs,
                                                 std::stop_token caller) {
  const uint64_t need = need_of(inputs);
  {
    MutexLock lock(impl_->mutex);
    if (steady_clock::now() - impl_->looked > kBetweenLooks) impl_->look();
    if (impl_->room < impl_->first_room / kShare) return std::nullopt;
    if (impl_->lent + need > impl_->room / kShare) return std::nullopt;
  }
  auto directory = impl_->pool->take(false);
  if (!directory.ok()) return std::nullopt;  // somebody removed it, say
  auto lease = std::make_shared<MemorySandbox::Lease>(std::move(caller), need);
  {
    MutexLock lock(impl_->mutex);
    impl_->lent += need;
    impl_->leases.insert(lease);
    if (impl_->leases.size() == 1) impl_->changed.notify_one();
  }
  impl_->in_memory.add();
  return MemorySandbox(*this, *std::move(directory), std::move(lease));
}

SandboxMemory::Use SandboxMemory::use() const {
  Use use{.directory = impl_->path, .room = room_of(impl_->fd.get())};
  MutexLock lock(impl_->mutex);
  use.lent = impl_->lent;
  return use;
}

MemorySandbox::MemorySandbox(SandboxMemory& memory, SandboxDirectory directory,
                             std::shared_ptr<Lease> lease)
    : memory_(&memory), lease_(std::move(lease)) {
  directory_.emplace(std::move(directory));
}

MemorySandbox::MemorySandbox(MemorySandbox&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), lease_(std::move(other.lease_)) {
  directory_.emplace(*std::move(other.directory_));
}

MemorySandbox::~MemorySandbox() {
  if (memory_ == nullptr) return;
  SandboxMemory::Impl& impl = *memory_->impl_;
  MutexLock lock(impl.mutex);
  impl.lent -= lease_->bytes;
  impl.leases.erase(lease_);
}

std::stop_token MemorySandbox::stop() const { return lease_->stop.get_token(); }

bool MemorySandbox::outgrown() {
  SandboxMemory::Impl& impl = *memory_->impl_;
  if (!lease_->outgrown && !impl.is_short(file_system_room(impl.fd.get()))) return false;
  impl.outgrown.add();
  return true;
}

}  // namespace kiln::exec
