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

Result<void> remove_files_in(const std::string& dir) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error)) {
    ::unlink(it->path().c_str());
  }
  if (error) return os_error(error.value(), "list " + dir);
  return {};
}

}  // namespace

TempFile::~TempFile() {
  if (fd_.valid()) ::unlinkat(tmp_fd_, name_.c_str(), 0);
}

Result<std::unique_ptr<LargeFiles>> LargeFiles::open(const std::string& dir, Log& log) {
  const std::string files = dir + "/files";
  const std::string tmp = dir + "/tmp";
  KILN_TRY(make_directories(files, 0700));
  KILN_TRY(make_directories(tmp, 0700));
  KILN_TRY(remove_files_in(tmp));
  KILN_ASSIGN(UniqueFd files_fd, open_file(files, O_PATH | O_DIRECTORY));
  KILN_ASSIGN(UniqueFd tmp_fd, open_file(tmp, O_PATH | O_DIRECTORY));
  return std::unique_ptr<LargeFiles>(
      new LargeFiles(dir, std::move(files_fd), std::move(tmp_fd), log));
}

std::string LargeFiles::next_temp_name() {
  return std::to_string(next_temp_.fetch_add(1, std::memory_order_relaxed));
}

Result<TempFile> LargeFiles::new_file() {
  std::string name = next_temp_name();
  UniqueFd fd(::openat(tmp_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return os_error(errno, "make a file in " + dir_ + "/tmp");
  return TempFile(tmp_.get(), std::move(name), std::move(fd));
}

Result<void> LargeFiles::install(int from_fd, const char* name, int fd, const FileDigest& digest) {
  const std::string place = place_of(digest);
  for (const bool retry : {true, false}) {
    if (::renameat(from_fd, name, files_.get(), place.c_str()) == 0) {
      struct stat st;  // after the rename, which moves the ctime on some file systems
      if (::fstat(fd, &st) == 0) verified_.insert(witness(digest, st));
      return {};
    }
    if (errno != ENOENT || !retry) break;
    const std::string shard = place.substr(0, 2);
    if (::mkdirat(files_.get(), shard.c_str(), 0700) != 0 && errno != EEXIST) break;
  }
  return os_error(errno, "move a file to " + dir_ + "/files/" + place);
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
  return store_copy(fd, name, stop);  // of another file system
}

Result<LargeFiles::State> LargeFiles::examine(const FileDigest& digest) {
  const std::string place = place_of(digest);
  struct stat st;
  if (::fstatat(files_.get(), place.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return State::kAbsent;
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
  // O_NONBLOCK: a fifo in the place of the file must not hold us up.
  UniqueFd fd(
      ::openat(files_.get(), place.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return UniqueFd();
    return os_error(errno, "open " + dir_ + "/files/" + place);
  }
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return os_error(errno, "examine " + dir_ + "/files/" + place);
  if (st.st_size == digest.size && verified_.contains(witness(digest, st))) return fd;
  KILN_ASSIGN(const bool sound, verify(digest, fd.get()));
  return sound ? std::move(fd) : UniqueFd();
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
  if (::unlinkat(files_.get(), place.c_str(), 0) != 0 && errno != ENOENT) {
    return os_error(errno, "remove the damaged file " + shown);
  }
  return false;
}

Result<UniqueFd> LargeFiles::open(const FileDigest& digest) {
  KILN_ASSIGN(UniqueFd fd, check(digest));
  if (!fd.valid()) return not_stored(digest, "content");
  return fd;
}

}  // namespace kiln::store
