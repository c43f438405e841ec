// Large content as files, so that a sandbox gets it by a reflink or by a copy inside the kernel.
//
// What:    DIR/files/ab/HASH (0444). Written in DIR/tmp and renamed into place.
// Trust:   nobody is given these files: sandboxes get copies. A writer (by the file's path, or by a
//          descriptor or mapping from before the file was adopted) moves its ctime, which no system
//          call sets back. A file is hashed at its first use in a life of the daemon, and again
//          whenever its inode or ctime is not the one that was hashed: restored if the bytes are
//          right, else dropped. What is no regular file (a symlink, a fifo, a device, a directory)
//          is never waited for: it is dropped like damaged bytes.
// Heals:   DIR/files, its shards and DIR/tmp are made again if somebody removes them.
// Threads: thread-safe. Blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/store/digest_set.h"
#include "daemon/store/stores.h"

namespace kiln::store {

// A new file in DIR/tmp; removed unless it is given away.
class TempFile {
 public:
  TempFile(int tmp_fd, std::string name, UniqueFd fd)
      : tmp_fd_(tmp_fd), name_(std::move(name)), fd_(std::move(fd)) {}
  TempFile(TempFile&& other) noexcept = default;
  TempFile& operator=(TempFile&&) = delete;
  ~TempFile();

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }

 private:
  int tmp_fd_;
  std::string name_;
  UniqueFd fd_;
};

class LargeFiles {
 public:
  // Makes what is missing below `dir` and removes what an earlier life left in tmp/.
  static Result<std::unique_ptr<LargeFiles>> open(const std::string& dir, Log& log);

  Result<TempFile> new_file();
  Result<void> append(const TempFile& file, std::string_view bytes);
  // `file` holds the content of this digest.
  Result<void> commit(TempFile file, const FileDigest& digest);
  Result<void> put(std::string_view content, const FileDigest& digest);
  // Takes the file `name` in `dir_fd`, open for reading as `fd`. What somebody else can still write
  // to, and what cannot be renamed into the store, is copied.
  Result<FileDigest> adopt(int dir_fd, const char* name, int fd, const std::stop_token& stop);

  // By its stat alone: does not read.
  Result<bool> contains(const FileDigest& digest);
  // For reading, at its beginning.
  Result<UniqueFd> open(const FileDigest& digest);

 private:
  enum class State { kAbsent, kChanged, kIntact };

  LargeFiles(std::string dir, UniqueFd files, UniqueFd tmp, Log& log)
      : dir_(std::move(dir)), files_(std::move(files)), tmp_(std::move(tmp)), log_(log) {}

  Result<State> examine(const FileDigest& digest);
  // The file, if it is there and holds what it should; else an invalid descriptor.
  Result<UniqueFd> check(const FileDigest& digest);
  Result<bool> verify(const FileDigest& digest, int fd);
  // Hashes a private copy of `source`, and stores it.
  Result<FileDigest> store_copy(int source, const char* name, const std::stop_token& stop);
  // Renames `name` in `from_fd`, which is open as `fd`, to its place.
  Result<void> install(int from_fd, const char* name, int fd, const FileDigest& digest);
  Result<void> make_shard(const std::string& shard);
  // Opens what stands at `place` in files/. Nothing if that is absent or no readable regular file.
  Result<std::optional<UniqueFd>> open_place(const std::string& place);
  // Removes what stands at `place` in files/; a directory is moved into tmp/.
  Result<void> drop(const std::string& place);
  std::string next_temp_name();

  const std::string dir_;
  const UniqueFd files_;
  const UniqueFd tmp_;
  Log& log_;
  std::atomic<uint64_t> next_temp_{0};
  DigestSet verified_{size_t{1} << 17};  // of witness()
};

}  // namespace kiln::store
