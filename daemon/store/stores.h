// The interfaces of the store. Two implementations each: in memory (tests, contract oracle) and
// RocksDB with files beside it (the daemon); decorators stand in files of their own.
//
// Threads: thread-safe. Blocking: call on a thread meant for it (gets of small content in the block
//          cache take microseconds; puts may wait for the disk).
// Fails:   kNotFound for what is not there, which includes what was there and is damaged: damage is
//          logged, the damaged copy is dropped, and wrong bytes are never returned.
//          kResourceExhausted when the disk is full; the store stays usable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/digest.h"
#include "daemon/store/tree.h"

namespace kiln::store {

// Content of this size and more lives in files beside the database, so that sandboxes get it by
// reflink or by a copy inside the kernel.
inline constexpr int64_t kLargeContent = int64_t{64} << 10;

// Whether `error` says that the store has lost what somebody relies on. Nobody is to blame who
// asked: what was lost can be made again by whoever made it.
inline bool is_loss(const Error& error) {
  return error.blame() == Blame::kEnvironment &&
         (error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kDataLoss);
}

// Sequential bytes of one blob.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  virtual int64_t size() const = 0;
  // The next bytes, at most `limit`; empty at the end.
  virtual Result<std::string> next(size_t limit) = 0;
};

// Sequential bytes into one blob; dropped without finish(), nothing stays.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Result<void> append(std::string_view bytes) = 0;
  virtual Result<FileDigest> finish() = 0;
};

// Contents of files by digest. The empty blob is always present.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<FileDigest> put(std::string_view content) = 0;
  virtual Result<std::unique_ptr<BlobWriter>> writer() = 0;
  // The whole content; refuses blobs over 64 MiB with kResourceExhausted (use reader()).
  virtual Result<std::string> get(const FileDigest& digest) = 0;
  virtual Result<std::unique_ptr<BlobReader>> reader(const FileDigest& digest) = 0;
  virtual Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest> digests) = 0;
};

// Blobs as files in directories, the way sandboxes need them. No file that is made here shares an
// inode with the store or with another file: whoever gets it may write to it. Holes stay holes.
// Cancels: kCancelled soon after `stop` fires, within one file too.
class BlobFiles {
 public:
  virtual ~BlobFiles() = default;
  // Makes the file `name` in the directory `dir_fd` with this content and the mtime file_time().
  // 0644, or 0755 if executable, whatever the umask is. kAlreadyExists if something has that name.
  virtual Result<void> materialize(const FileDigest& digest, bool executable, int dir_fd,
                                   const char* name, const std::stop_token& stop) = 0;
  // Writes this content to the empty file `target_fd`, open for writing at its beginning. `name` is
  // for errors.
  virtual Result<void> copy_into(const FileDigest& digest, int target_fd, const char* name,
                                 const std::stop_token& stop) = 0;
  // Stores the content of the regular file `name` in `dir_fd` and may take the file itself: it may
  // be gone or read-only afterwards. Symlinks are not followed. If somebody can still write to the
  // file, what is stored is a copy.
  virtual Result<FileDigest> adopt(int dir_fd, const char* name, const std::stop_token& stop) = 0;
};

// Directory messages by digest, as trees. The empty directory is always present.
class TreeStore {
 public:
  virtual ~TreeStore() = default;
  // Stores every directory of the tree that is not stored yet. O(what is new).
  virtual Result<void> save(const TreePtr& tree) = 0;
  // The whole tree. Directory messages are checked for canonical form: names that are not single
  // components, duplicates and wrong digests make the entry kNotFound. A tree that is found to be
  // damaged now is a loss (is_loss()); for one that is not there the caller is to blame.
  virtual Result<TreePtr> load(const Digest& digest) = 0;
};

// What a process left behind: the stored form of a REAPI ActionResult.
struct ActionResult {
  int exit_code = 0;
  FileDigest stdout_digest;
  FileDigest stderr_digest;
  Digest output_digest;
  std::vector<std::string> missing_outputs;
  double wall_seconds = 0;
  double user_seconds = 0;
  double system_seconds = 0;
  int64_t peak_memory_bytes = 0;
  friend bool operator==(const ActionResult&, const ActionResult&) = default;
};

class ActionCache {
 public:
  virtual ~ActionCache() = default;
  // Nothing on a miss.
  virtual Result<std::optional<ActionResult>> get(const Digest& action) = 0;
  virtual Result<void> put(const Digest& action, const ActionResult& result) = 0;
  virtual Result<void> remove(const Digest& action) = 0;
};

// Identity of a file's state on disk, as statx reports it.
struct FileStat {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  friend bool operator==(const FileStat&, const FileStat&) = default;
};

// Remembers which content a state of a file had, so that an unchanged file is not read again after
// a restart. An entry is believed only if the whole FileStat is equal. Callers must not record a
// file whose ctime is not clearly older than the time it was read ("racily clean", git's
// Documentation/technical/racy-git.txt), or whose ctime is too coarse to be the kernel's.
class StatCache {
 public:
  virtual ~StatCache() = default;
  virtual std::optional<FileDigest> get(std::string_view absolute_path, const FileStat& stat) = 0;
  virtual void put(std::string_view absolute_path, const FileStat& stat,
                   const FileDigest& digest) = 0;
};

// All of a store, as the composition root hands it out.
class Store {
 public:
  virtual ~Store() = default;
  virtual BlobStore& blobs() = 0;
  virtual BlobFiles& files() = 0;
  virtual TreeStore& trees() = 0;
  virtual ActionCache& actions() = 0;
  virtual StatCache& stats() = 0;
};

// An ActionCache that serves a result only if all that it names is present.
std::unique_ptr<ActionCache> make_completeness_checking(ActionCache& cache, BlobStore& blobs,
                                                        TreeStore& trees);

}  // namespace kiln::store
