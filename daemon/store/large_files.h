// Large content as read-only files, so that a sandbox gets it by a hard link.
//
// What:    DIR/files/ab/HASH (0444) and, made when first asked for, DIR/files/ab/HASH.x (0555): a
//          hard link cannot have a mode of its own. Written in DIR/tmp and renamed into place.
// Trust:   a hard link lets a process that owns the file, or is root, write through to the store.
//          Files carry the mtime kFileTime; whoever writes or truncates moves it. At every use the
//          size, mode and mtime are compared, and what is off is hashed again: restored if the
//          bytes are right, else dropped. The first use after a start hashes too. What is no
//          regular file (a symlink, a fifo, a device, a directory) is never waited for: it is
//          dropped like damaged bytes.
// Heals:   DIR/files, its shards and DIR/tmp are made again if somebody removes them.
// Threads: thread-safe. Blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
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
  // Takes the file `name` in `dir_fd`, open as `fd`, or its content where it cannot be taken.
  Result<void> adopt(int dir_fd, const char* name, int fd, const FileDigest& digest);

  // By its stat alone: does not read.
  Result<bool> contains(const FileDigest& digest);
  Result<UniqueFd> open(const FileDigest& digest);
  Result<void> link(const FileDigest& digest, bool executable, int dir_fd, const char* name);

 private:
  enum class Variant { kPlain, kExecutable };
  enum class State { kAbsent, kChanged, kIntact };

  LargeFiles(std::string dir, UniqueFd files, UniqueFd tmp, Log& log)
      : dir_(std::move(dir)), files_(std::move(files)), tmp_(std::move(tmp)), log_(log) {}

  Result<State> examine(const FileDigest& digest, Variant variant);
  // True if the file is there and holds what it should.
  Result<bool> check(const FileDigest& digest, Variant variant);
  Result<bool> verify(const FileDigest& digest, Variant variant);
  Result<void> make_executable(const FileDigest& digest);
  // Renames `name` in `from_fd` to its place.
  Result<void> install(int from_fd, const char* name, const FileDigest& digest, Variant variant);
  Result<void> make_shard(const std::string& shard);
  // Opens what stands at `place` in files/. Nothing if that is absent or no readable regular file.
  Result<std::optional<UniqueFd>> open_place(const std::string& place);
  // Removes what stands at `place` in files/; a directory is moved into tmp/.
  Result<void> drop(const std::string& place);
  std::string next_temp_name();
  DigestSet& verified(Variant variant) { return verified_[static_cast<int>(variant)]; }

  const std::string dir_;
  const UniqueFd files_;
  const UniqueFd tmp_;
  Log& log_;
  std::atomic<uint64_t> next_temp_{0};
  DigestSet verified_[2] = {DigestSet(size_t{1} << 17), DigestSet(size_t{1} << 17)};  // by variant
};

}  // namespace kiln::store
