// FileIngest: the content of one workspace file into the store, whole and unmixed.
//
// A file whose stat is remembered is not read. A file that changes while it is read is read again,
// for a few seconds, and then refused by name (kUnavailable).
// The stat is remembered only if every later change moves it.
// Threads: thread-safe. Blocking.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "common/base/result.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/os/directory.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

struct Ingested {
  std::optional<store::File> file;  // nothing if it is gone or no regular file any more
  // Somebody had it open for writing. Stores through a mapping need no event and move no time while
  // the page is dirty, so nothing but reading it again tells what it holds later.
  bool open_for_writing = false;
};

// What the user is told of a file or directory that could not be opened. If it is a matter of
// permissions, it is theirs to settle.
Error unreadable(const Error& error, const RelPath& path);

class FileIngest {
 public:
  FileIngest(store::Store& store, FsCounters& counters) : store_(store), counters_(counters) {}

  // The file's content, if this state of it was read before and the store still has it.
  std::optional<store::File> known(const std::string& absolute, const os::Stat& stat);
  // Reads and stores it. Fails when it keeps changing, cannot be read, or `stop` fires.
  Result<Ingested> read(int root_fd, const RelPath& path, const std::string& absolute,
                        const std::stop_token& stop);

 private:
  // Nothing if the file is not as it was `before`, as soon as that shows.
  Result<std::optional<FileDigest>> store_content(int fd, const os::Stat& before,
                                                  const std::string& absolute,
                                                  const std::stop_token& stop);
  store::Store& store_;
  FsCounters& counters_;
};

}  // namespace kiln::intrinsics
