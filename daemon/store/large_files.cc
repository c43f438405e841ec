#include "daemon/store/large_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/os/shared_mapping.h"
#include "daemon/store/file_time.h"
#include "daemon/store/limits.h"
#include "daemon/store/new_file.h"

namespace kiln::store {

namespace {

// "ab/HASH".
std::string place_of(const FileDigest& digest) {
  const std::string hex = to_hex(digest.hash);
  return hex.substr(0, 2) + "/" + hex;
}

Result<FileDigest> hash_file(int fd, std::string_view name, const std::stop_token& stop) {
  Sha256Hasher hasher;
  std::array<char, size_t{64} << 10> buffer;
  for (off_t offset = 0;;) {
    if (stop.stop_requested()) return stopped();
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, "read " + std::string(name));
    if (n == 0) return hasher.finish();
    hasher.update({buffer.data(), static_cast<size_t>(n)});
    offset += n;
  }
}

// Stands for "the inode with this ctime holds this content".
Sha256 witness(const FileDigest& digest, const struct stat& st) {
  const uint64_t state[] = {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_ctim.tv_sec),
                            static_cast<uint64_t>(st.st_ctim.tv_nsec)};
  const Hash128 mixed = xxh3_128({reinterpret_cast<const char*>(state), sizeof state});
  Sha256 result = digest.hash;
  uint64_t word;
  std::memcpy(&word, result.data() + 8, sizeof word);
  word ^= mixed.low;
  std::memcpy(result.data() + 8, &word, sizeof word);
  return result;
}

// Removes everything in `dir`, also directories that were moved there (LargeFiles::drop()).
Result<void> empty_directory(const std::string& dir) {
  std::error_code error;
  std::error_code ignored;  // what stays is in nobody's way
  for (std::filesystem::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error)) {
    std::filesystem::remove_all(it->path(), ignored);
  }
  if (error) return os_error(error.value(), "list " + dir);
  return {};
}

// Makes the directory `path` again, behind the same descriptor, after somebody removed it.
Result<void> make_again(const UniqueFd& fd, const std::string& path) {
  KILN_TRY(make_directories(path, 0700));
  KILN_ASSIGN(const UniqueFd fresh, open_file(path, O_PATH | O_DIRECTORY));
  // dup3() replaces atomically: other threads use the old directory or the new one.
  if (::dup3(fresh.get(), fd.get(), O_CLOEXEC) < 0) return os_error(errno, "open " + path);
  return {};
}

// Whether `error` of open(2) says that this is no file which could be read: a symlink, a socket, a
// file without read permission. Anything else is a trouble of the system, such as EMFILE.
bool is_no_blob(int error) {
  return error == ELOOP || error == ENXIO || error == ENODEV || error == EACCES;
}

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

}  // namespace

TempFile::~TempFile() {
  if (fd_.valid()) ::unlinkat(tmp_fd_, name_.c_str(), 0);
}

Result<std::unique_ptr<LargeFiles>> LargeFiles::open(const std::string& dir, Log& log) {
  const std::string files = dir + "/files";
  const std::string tmp = dir + "/tmp";
  KILN_TRY(make_directories(files, 0700));
  KILN_TRY(make_directories(tmp, 0700));
  KILN_TRY(empty_directory(tmp));
  KILN_ASSIGN(UniqueFd files_fd, open_file(files, O_PATH | O_DIRECTORY));
  KILN_ASSIGN(UniqueFd tmp_fd, open_file(tmp, O_PATH | O_DIRECTORY));
  return std::unique_ptr<LargeFiles>(
      new LargeFiles(dir, std::move(files_fd), std::move(tmp_fd), log));
}

std::string LargeFiles::next_temp_name() {
  return std::to_string(next_temp_.fetch_add(1, std::memory_order_relaxed));
}

Result<TempFile> LargeFiles::new_file() {
  const std::string tmp = dir_ + "/tmp";
  for (const bool retry : {true, false}) {
    std::string name = next_temp_name();
    UniqueFd fd(::openat(tmp_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.valid()) return TempFile(tmp_.get(), std::move(name), std::move(fd));
    if (errno != ENOENT || !retry) break;
    KILN_TRY(make_again(tmp_, tmp));
  }
  return os_error(errno, "make a file in " + tmp);
}

Result<void> LargeFiles::install(int from_fd, const char* name, int fd, const FileDigest& digest) {
  const std::string place = place_of(digest);
  for (const bool retry : {true, false}) {
    if (::renameat(from_fd, name, files_.get(), place.c_str()) == 0) {
      struct stat st;  // after the rename, which moves the ctime on some file systems
      if (::fstat(fd, &st) == 0) verified_.insert(witness(digest, st));
      return {};
    }
    const int error = errno;
    if (!retry || (!is_absent(error) && error != EISDIR && error != ENOTEMPTY)) {
      return os_error(error, "move a file to " + dir_ + "/files/" + place);
    }
    if (is_absent(error)) {
      KILN_TRY(make_shard(place.substr(0, 2)));
    } else {
      KILN_TRY(drop(place));
    }
  }
  return {};
}

Result<void> LargeFiles::make_shard(const std::string& shard) {
  const std::string files = dir_ + "/files";
  for (const bool retry : {true, false}) {
    if (::mkdirat(files_.get(), shard.c_str(), 0700) == 0) return {};
    if (errno == EEXIST) {
      struct stat st;
      if (::fstatat(files_.get(), shard.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISDIR(st.st_mode)) {
        return {};
      }
      KILN_TRY(drop(shard));
    } else if (errno == ENOENT) {
      KILN_TRY(make_again(files_, files));
    } else {
      break;
    }
    if (!retry) break;
  }
  if (::mkdirat(files_.get(), shard.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return os_error(errno, "make the directory " + files + "/" + shard);
}

Result<void> LargeFiles::drop(const std::string& place) {
  if (::unlinkat(files_.get(), place.c_str(), 0) == 0 || is_absent(errno)) return {};
  const std::string shown = dir_ + "/files/" + place;
  if (errno != EISDIR && errno != EPERM) return os_error(errno, "remove the damaged " + shown);
  // A directory: the next open of the store removes it.
  for (const bool retry : {true, false}) {
    if (::renameat(files_.get(), place.c_str(), tmp_.get(), next_temp_name().c_str()) == 0)
      return {};
    struct stat st;
    if (::fstatat(files_.get(), place.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 && is_absent(errno)) {
      return {};
    }
    if (!retry) break;
    KILN_TRY(make_again(tmp_, dir_ + "/tmp"));
  }
  return os_error(errno, "move away the damaged " + shown);
}

Result<void> LargeFiles::append(const TempFile& file, std::string_view bytes) {
  const auto written = append_sparse(file.fd(), bytes, "to the store in " + dir_);
  if (written.ok() || written.error().code() != ErrorCode::kResourceExhausted) return written;
  return written.error().with_context("free some space there and try again");
}

Result<void> LargeFiles::commit(TempFile file, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  KILN_TRY(finish_sparse(file.fd(), digest.size, file.name()));
  KILN_TRY(seal_file(file.fd(), kReadOnlyMode, kFixedTime, file.name().c_str()));
  return install(tmp_.get(), file.name().c_str(), file.fd(), digest);
}

Result<void> LargeFiles::put(std::string_view content, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  KILN_ASSIGN(TempFile file, new_file());
  KILN_TRY(append(file, content));
  return commit(std::move(file), digest);
}

Result<FileDigest> LargeFiles::store_copy(int source, const char* name,
                                          const std::stop_token& stop) {
  KILN_ASSIGN(TempFile copy, new_file());
  KILN_TRY(copy_content(source, copy.fd(), name, stop));
  KILN_ASSIGN(const FileDigest digest, hash_file(copy.fd(), name, stop));
  KILN_TRY(commit(std::move(copy), digest));
  return digest;
}

Result<FileDigest> LargeFiles::adopt(int dir_fd, const char* name, int fd,
                                     const std::stop_token& stop) {
  struct stat st;
  if (::fstat(fd, &st) != 0) return os_error(errno, std::string("examine ") + name);
  struct stat own;
  // It cannot be moved here from another file system; the copy is hashed, once.
  if (::fstat(files_.get(), &own) != 0 || own.st_dev != st.st_dev) {
    return store_copy(fd, name, stop);
  }
  // A file that has other names, another owner or a writer is not ours alone. Whoever opened it
  // for writing before can write through a descriptor or a mapping for as long as they like.
  if (st.st_nlink != 1 || st.st_uid != ::geteuid() || os::open_for_writing(fd)) {
    return store_copy(fd, name, stop);
  }
  KILN_ASSIGN(const FileDigest digest, hash_file(fd, name, stop));
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return digest;
  KILN_TRY(seal_file(fd, kReadOnlyMode, kFixedTime, name));
  if (install(dir_fd, name, fd, digest).ok()) return digest;
  return store_copy(fd, name, stop);  // of another mount
}

Result<LargeFiles::State> LargeFiles::examine(const FileDigest& digest) {
  const std::string place = place_of(digest);
  struct stat st;
  if (::fstatat(files_.get(), place.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (is_absent(errno)) return State::kAbsent;
    return os_error(errno, "examine " + dir_ + "/files/" + place);
  }
  const bool intact = st.st_mode == (S_IFREG | kReadOnlyMode) && st.st_size == digest.size &&
                      st.st_mtim.tv_sec == kFixedTime && st.st_mtim.tv_nsec == 0;
  return intact ? State::kIntact : State::kChanged;
}

Result<bool> LargeFiles::contains(const FileDigest& digest) {
  KILN_ASSIGN(const State state, examine(digest));
  if (state != State::kChanged) return state == State::kIntact;
  KILN_ASSIGN(const UniqueFd fd, check(digest));
  return fd.valid();
}

Result<UniqueFd> LargeFiles::check(const FileDigest& digest) {
  const std::string place = place_of(digest);
  KILN_ASSIGN(std::optional<UniqueFd> fd, open_place(place));
  if (!fd) {
    KILN_ASSIGN(const State state, examine(digest));
    if (state == State::kAbsent) return UniqueFd();
    log_.warn("dropped " + dir_ + "/files/" + place + ": it is no regular file that can be read");
    KILN_TRY(drop(place));
    return UniqueFd();
  }
  struct stat st;
  if (::fstat(fd->get(), &st) != 0) return os_error(errno, "examine " + dir_ + "/files/" + place);
  if (st.st_size == digest.size && verified_.contains(witness(digest, st))) return *std::move(fd);
  KILN_ASSIGN(const bool sound, verify(digest, fd->get()));
  return sound ? *std::move(fd) : UniqueFd();
}

Result<std::optional<UniqueFd>> LargeFiles::open_place(const std::string& place) {
  // Who else may put something here: a device does things when it is opened, a fifo makes its
  // reader wait.
  struct stat st;
  if (::fstatat(files_.get(), place.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (is_absent(errno)) return std::optional<UniqueFd>();
    return os_error(errno, "examine " + dir_ + "/files/" + place);
  }
  if (!S_ISREG(st.st_mode)) return std::optional<UniqueFd>();
  UniqueFd fd(::openat(files_.get(), place.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) {
    if (is_absent(errno) || is_no_blob(errno)) return std::optional<UniqueFd>();
    return os_error(errno, "open " + dir_ + "/files/" + place);
  }
  if (::fstat(fd.get(), &st) != 0) return os_error(errno, "examine " + dir_ + "/files/" + place);
  if (!S_ISREG(st.st_mode)) return std::optional<UniqueFd>();
  return std::optional<UniqueFd>(std::move(fd));
}

Result<bool> LargeFiles::verify(const FileDigest& digest, int fd) {
  const std::string place = place_of(digest);
  const std::string shown = dir_ + "/files/" + place;
  const auto actual = hash_file(fd, shown, {});
  if (actual.ok() && actual->hash == digest.hash) {
    if (actual->size != digest.size) return false;  // sound, and not what was asked for
    KILN_TRY(seal_file(fd, kReadOnlyMode, kFixedTime, shown.c_str()));
    struct stat st;
    if (::fstat(fd, &st) == 0) verified_.insert(witness(digest, st));
    return true;
  }
  log_.warn("dropped " + shown + ": " +
            (actual.ok() ? "its content is damaged" : actual.error().message()));
  KILN_TRY(drop(place));
  return false;
}

Result<UniqueFd> LargeFiles::open(const FileDigest& digest) {
  KILN_ASSIGN(UniqueFd fd, check(digest));
  if (!fd.valid()) return not_stored(digest, "content");
  return fd;
}

}  // namespace kiln::store
