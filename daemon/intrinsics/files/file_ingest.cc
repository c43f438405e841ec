#include "daemon/intrinsics/files/file_ingest.h"

#include <fcntl.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "common/base/file.h"
#include "daemon/intrinsics/files/stat_identity.h"
#include "daemon/os/shared_mapping.h"

namespace kiln::intrinsics {

namespace {

// A file that changes while it is read is read again while there is time, a small one this often.
constexpr int kMaxAttempts = 20;
constexpr std::chrono::seconds kPatience{3};
// A large file that is being written to is given so long to come to rest before it is read again.
constexpr std::chrono::milliseconds kPause{50};

// False if `stop` fired first.
bool pause(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, kPause, [] { return false; });
  return !stop.stop_requested();
}

Error cancelled(const std::string& absolute) {
  return user_error(ErrorCode::kCancelled, "reading " + printable(absolute) + " was cancelled");
}

bool same_state(const os::Stat& a, const os::Stat& b) {
  return identity(a) == identity(b) && a.mode == b.mode;
}

}  // namespace

Error unreadable(const Error& error, const RelPath& path) {
  if (error.code() != ErrorCode::kPermissionDenied) return error;
  return user_error(error.code(), error.message() + "; make it readable, or exclude it with '!" +
                                      printable(path.str()) + "'");
}

std::optional<store::File> FileIngest::known(const std::string& absolute, const os::Stat& stat) {
  if (!has_fine_times(stat)) return std::nullopt;
  const auto digest = store_.stats().get(absolute, identity(stat));
  if (!digest || digest->size != stat.size) return std::nullopt;
  const auto missing = store_.blobs().find_missing(std::span(&*digest, 1));
  if (!missing.ok() || !missing->empty()) return std::nullopt;
  return store::File{*digest, stat.executable()};
}

Result<Ingested> FileIngest::read(int root_fd, const RelPath& path, const std::string& absolute,
                                  const std::stop_token& stop) {
  const auto began = std::chrono::steady_clock::now();
  int attempt = 0;
  bool large = false;
  for (; large || attempt < kMaxAttempts; ++attempt) {
    if (std::chrono::steady_clock::now() - began > kPatience) break;
    if (large && !pause(stop)) return cancelled(absolute);
    // O_NONBLOCK: a fifo that took the file's place must not hang us.
    auto fd = os::open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fd.ok()) {
      const auto there = os::stat_beneath(root_fd, path);
      const bool file = !there.ok() || (*there && (*there)->kind == os::FileKind::kFile);
      if (!file || fd.error().code() == ErrorCode::kNotFound) return Ingested();
      return unreadable(fd.error(), path);
    }
    KILN_ASSIGN(const os::Stat before, os::stat_fd(fd->get()));
    if (before.kind != os::FileKind::kFile) return Ingested();
    // Before it is read: who maps it later moves its time with the first store.
    const bool open_for_writing = os::open_for_writing(fd->get());
    const auto moment = std::chrono::system_clock::now();
    KILN_ASSIGN(const auto digest, store_content(fd->get(), before, absolute, stop));
    large = before.size >= store::kLargeContent;
    if (!digest) continue;
    KILN_ASSIGN(const os::Stat after, os::stat_fd(fd->get()));
    counters_.files_hashed.add();
    counters_.bytes_hashed.add(digest->size);
    if (!same_state(before, after) || digest->size != before.size) continue;
    if (settled(after, moment) && !open_for_writing && os::stores_move_times(fd->get())) {
      store_.stats().put(absolute, identity(after), *digest);
    }
    return Ingested{store::File{*digest, after.executable()}, open_for_writing};
  }
  return environment_error(ErrorCode::kUnavailable,
                           "the file " + printable(absolute) + " changed each of the " +
                               std::to_string(attempt) +
                               " times it was read; wait until whatever writes it is done, or "
                               "exclude it with '!" +
                               printable(path.str()) + "'");
}

Result<std::optional<FileDigest>> FileIngest::store_content(int fd, const os::Stat& before,
                                                            const std::string& absolute,
                                                            const std::stop_token& stop) {
  if (before.size < store::kLargeContent) {
    KILN_ASSIGN(const std::string content, read_all(fd, absolute));
    KILN_ASSIGN(const FileDigest digest, store_.blobs().put(content));
    return std::optional(digest);
  }
  KILN_ASSIGN(const auto writer, store_.blobs().writer());
  std::vector<char> buffer(size_t{1} << 20);
  for (;;) {
    if (stop.stop_requested()) return cancelled(absolute);
    KILN_ASSIGN(const size_t n, read_some(fd, buffer, absolute));
    if (n == 0) {
      KILN_ASSIGN(const FileDigest digest, writer->finish());
      return std::optional(digest);
    }
    KILN_ASSIGN(const os::Stat now, os::stat_fd(fd));
    if (!same_state(before, now)) return std::optional<FileDigest>();
    KILN_TRY(writer->append({buffer.data(), n}));
  }
}

}  // namespace kiln::intrinsics
