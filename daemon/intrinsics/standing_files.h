// StandingFiles: what files of a workspace hold right now.
// Threads: stateless. Blocking.
#pragma once

#include <optional>
#include <string>

#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/file_ingest.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/os/directory.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

class StandingFiles {
 public:
  // `root_fd` is that of the workspace's root; all outlive this.
  StandingFiles(store::Store& store, FsCounters& counters, const Workspace& workspace, int root_fd)
      : ingest_(store, counters), workspace_(workspace), root_fd_(root_fd) {}

  // Whether the regular file at `path`, whose stat is `there`, is `file`.
  bool holds(const RelPath& path, const store::File& file, const os::Stat& there);

  // Where a symlink leads, if that is below the root and there.
  std::optional<RelPath> target_of(const RelPath& link) const;

 private:
  FileIngest ingest_;
  const Workspace& workspace_;
  const int root_fd_;
};

}  // namespace kiln::intrinsics
