#include "daemon/store/large_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/store/limits.h"
#include "daemon/store/new_file.h"

namespace kiln::store {

namespace {

// "ab/HASH" or "ab/HASH.x".
std::string place_of(const FileDigest& digest, bool executable) {
  const std::string hex = to_hex(digest.hash);
  return hex.substr(0, 2) + "/" + hex + (executable ? ".x" : "");
}

Result<FileDigest> hash_file(int fd, std::string_view name) {
  Sha256Hasher hasher;
  std::array<char, size_t{64} << 10> buffer;
  for (off_t offset = 0;;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, "read " + std::string(name));
    if (n == 0) return hasher.finish();
    hasher.update({buffer.data(), static_cast<size_t>(n)});
    offset += n;
  }
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

// Where a hard link cannot be had, a copy does.
bool must_copy(int errno_value) {
  return errno_value == EXDEV || errno_value == EMLINK || errno_value == EPERM ||
         errno_value == EOPNOTSUPP;
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

Result<void> LargeFiles::install(int from_fd, const char* name, const FileDigest& digest,
                                 Variant variant) {
  const std::string place = place_of(digest, variant == Variant::kExecutable);
  for (const bool retry : {true, false}) {
    if (::renameat(from_fd, name, files_.get(), place.c_str()) == 0) {
      verified(variant).insert(digest.hash);
      return {};
    }
    if (errno != ENOENT || !retry) break;
    const std::string shard = place.substr(0, 2);
    if (::mkdirat(files_.get(), shard.c_str(), 0700) != 0 && errno != EEXIST) break;
  }
  return os_error(errno, "move a file to " + dir_ + "/files/" + place);
}

Result<void> LargeFiles::append(const TempFile& file, std::string_view bytes) {
  const auto written = write_all(file.fd(), bytes, "to the store in " + dir_);
  if (written.ok() || written.error().code() != ErrorCode::kResourceExhausted) return written;
  return written.error().with_context("free some space there and try again");
}

Result<void> LargeFiles::commit(TempFile file, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  KILN_TRY(seal_file(file.fd(), kReadOnlyMode, file.name().c_str()));
  return install(tmp_.get(), file.name().c_str(), digest, Variant::kPlain);
}

Result<void> LargeFiles::put(std::string_view content, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  KILN_ASSIGN(TempFile file, new_file());
  KILN_TRY(append(file, content));
  return commit(std::move(file), digest);
}

Result<void> LargeFiles::adopt(int dir_fd, const char* name, int fd, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  struct stat st;
  if (::fstat(fd, &st) != 0) return os_error(errno, std::string("examine ") + name);
  // A file that has other names, or another owner, is not ours to change.
  if (st.st_nlink == 1 && st.st_uid == ::geteuid()) {
    KILN_TRY(seal_file(fd, kReadOnlyMode, name));
    const auto taken = install(dir_fd, name, digest, Variant::kPlain);
    if (taken.ok()) return {};
  }
  KILN_ASSIGN(TempFile copy, new_file());
  KILN_TRY(copy_content(fd, copy.fd(), name));
  return commit(std::move(copy), digest);
}

Result<LargeFiles::State> LargeFiles::examine(const FileDigest& digest, Variant variant) {
  const bool executable = variant == Variant::kExecutable;
  const std::string place = place_of(digest, executable);
  struct stat st;
  if (::fstatat(files_.get(), place.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return State::kAbsent;
    return os_error(errno, "examine " + dir_ + "/files/" + place);
  }
  const bool intact =
      st.st_mode == (S_IFREG | (executable ? kReadOnlyExecutableMode : kReadOnlyMode)) &&
      st.st_size == digest.size && st.st_mtim.tv_sec == kFileTime && st.st_mtim.tv_nsec == 0;
  return intact ? State::kIntact : State::kChanged;
}

Result<bool> LargeFiles::contains(const FileDigest& digest) {
  KILN_ASSIGN(const State state, examine(digest, Variant::kPlain));
  if (state == State::kChanged) return check(digest, Variant::kPlain);
  return state == State::kIntact;
}

Result<bool> LargeFiles::check(const FileDigest& digest, Variant variant) {
  KILN_ASSIGN(const State state, examine(digest, variant));
  if (state == State::kAbsent) return false;
  if (state == State::kIntact && verified(variant).contains(digest.hash)) return true;
  return verify(digest, variant);
}

Result<bool> LargeFiles::verify(const FileDigest& digest, Variant variant) {
  const bool executable = variant == Variant::kExecutable;
  const std::string place = place_of(digest, executable);
  const std::string shown = dir_ + "/files/" + place;
  const UniqueFd fd(::openat(files_.get(), place.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return false;
    return os_error(errno, "open " + shown);
  }
  const auto actual = hash_file(fd.get(), shown);
  if (actual.ok() && actual->hash == digest.hash) {
    if (actual->size != digest.size) return false;  // sound, and not what was asked for
    KILN_TRY(
        seal_file(fd.get(), executable ? kReadOnlyExecutableMode : kReadOnlyMode, shown.c_str()));
    verified(variant).insert(digest.hash);
    return true;
  }
  log_.warn("dropped " + shown + ": " +
            (actual.ok() ? "its content is damaged" : actual.error().message()));
  verified(variant).erase(digest.hash);
  if (::unlinkat(files_.get(), place.c_str(), 0) != 0 && errno != ENOENT) {
    return os_error(errno, "remove the damaged file " + shown);
  }
  return false;
}

Result<UniqueFd> LargeFiles::open(const FileDigest& digest) {
  KILN_ASSIGN(const bool sound, check(digest, Variant::kPlain));
  if (!sound) return not_stored(digest, "content");
  const std::string place = place_of(digest, false);
  UniqueFd fd(::openat(files_.get(), place.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return os_error(errno, "open " + dir_ + "/files/" + place);
  return fd;
}

Result<void> LargeFiles::make_executable(const FileDigest& digest) {
  KILN_ASSIGN(const UniqueFd source, open(digest));
  KILN_ASSIGN(TempFile copy, new_file());
  KILN_TRY(copy_content(source.get(), copy.fd(), copy.name().c_str()));
  KILN_TRY(seal_file(copy.fd(), kReadOnlyExecutableMode, copy.name().c_str()));
  return install(tmp_.get(), copy.name().c_str(), digest, Variant::kExecutable);
}

Result<void> LargeFiles::link(const FileDigest& digest, bool executable, int dir_fd,
                              const char* name) {
  const Variant variant = executable ? Variant::kExecutable : Variant::kPlain;
  KILN_ASSIGN(const bool sound, check(digest, variant));
  if (!sound) {
    if (!executable) return not_stored(digest, "content");
    KILN_TRY(make_executable(digest));
  }
  const std::string place = place_of(digest, executable);
  if (::linkat(files_.get(), place.c_str(), dir_fd, name, 0) == 0) return {};
  if (!must_copy(errno)) return os_error(errno, std::string("link the stored content as ") + name);
  KILN_ASSIGN(const UniqueFd source, open(digest));
  return copy_new_file(dir_fd, name, executable ? kReadOnlyExecutableMode : kReadOnlyMode,
                       source.get());
}

}  // namespace kiln::store
