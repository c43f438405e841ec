// WritePlan: what has to be written so that a tree stands in a workspace.
//
// What:   what stands there already, with the same content and executable bit, is left out. All
//         that can be known to go wrong is found here, where nothing is written yet: what is in the
//         way, files that somebody edited, and content that the store has lost.
// Fails:  kFailedPrecondition when something in the way would have to be left: a directory where a
//         file should be, a symlink on the way, a file that was edited (WriteTerms). kNotFound when
//         the store lacks content of what is to be written. Either names all of it.
// Threads: stateless. Blocking.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/os/directory.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

// Under which conditions a request writes. Times are nanoseconds since the epoch, by the clock that
// the kernel takes file times from.
struct WriteTerms {
  // What the request captured of the workspace. A file of it may be replaced only while its content
  // is still the captured one. Null: nothing was captured.
  store::TreePtr captured;
  // When the request began to capture (file_clock_now()). What is made from captured files gets
  // this time, so that an input that is edited later is newer than the output.
  int64_t captured_at = 0;
  // Files that changed after this time are not replaced, but for those in `own`, which the same
  // caller wrote and nobody has changed since. Absent: no such rule.
  std::optional<int64_t> unchanged_since;
  std::map<RelPath, os::Stat>* own = nullptr;
  // Permission bits that new files and directories do not get: the umask of the client.
  unsigned umask = 022;
  // The stored tree that is written: messages tell where the content is that was not written.
  Digest tree;
};

struct WriteStep {
  RelPath path;                   // where the file is, behind a captured symlink
  const store::Node* node;        // of the tree that was planned for; a directory is only made
  std::optional<os::Stat> there;  // what has to make way
  bool guarded = false;           // only if it still is as `there` says
};

// A file that stands there already.
struct StandingFile {
  RelPath path;
  int64_t mtime_ns;
};

struct WritePlan {
  std::vector<WriteStep> steps;  // directories come before what is in them
  std::vector<StandingFile> standing;
};

// `root_fd` is that of the workspace's root.
Result<WritePlan> plan_write(store::Store& store, FsCounters& counters, const Workspace& workspace,
                             int root_fd, const store::Tree& tree, const WriteTerms& terms);

// What the times of the captured files say about what is made from them.
struct CapturedTimes {
  std::optional<int64_t> newest;       // of those that still are what was captured
  std::optional<int64_t> oldest_edit;  // of those that were edited since, or replaced

  // The time for what is made from them: not before `newest`, and before every edit.
  int64_t time_for_outputs(int64_t captured_at) const;
  // Whether content of this time looks out of date without being so, or the other way round.
  bool mislead(int64_t mtime) const;
};
CapturedTimes captured_times(store::Store& store, FsCounters& counters, const Workspace& workspace,
                             int root_fd, const WriteTerms& terms);

// What is said of files that somebody edited. `tree` holds what was to be written.
Error edited_files(const std::vector<std::string>& paths, const Digest& tree);

}  // namespace kiln::intrinsics
