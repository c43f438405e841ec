// FileSystem: workspaces as the graph sees them: the nodes that captures are made of.
//
// Threads: thread-safe.
// Owns:    the functions behind the nodes; so it outlives the graph.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_router.h"
#include "daemon/intrinsics/files/config_function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/git_functions.h"
#include "daemon/intrinsics/files/glob_function.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/intrinsics/files/ignore_function.h"
#include "daemon/intrinsics/files/linked_glob_function.h"
#include "daemon/intrinsics/files/remote_lanes.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/watch/watcher.h"

namespace kiln::intrinsics {

// What holds for all workspaces of a daemon.
struct Surroundings {
  GitUser git;
  // kiln's home and runtime directory, absolute and without symlinks: never captured.
  std::vector<std::string> own_directories;
};

class FileSystem {
 public:
  explicit FileSystem(const FsServices& services, Surroundings surroundings = {})
      : services_(services),
        fs_(services),
        git_(fs_, services, std::move(surroundings.git)),
        ignore_(fs_, git_, std::move(surroundings.own_directories)),
        config_(fs_),
        glob_(fs_, ignore_),
        linked_(glob_) {}

  // Has every file of the workspace looked at again, as after an overflow: content that the store
  // has lost is read once more.
  void look_again(graph::Graph& graph, const Workspace& workspace);
  // What a request begins with: what is mounted, and so where the workspace is touched.
  void learn_mounts(const Workspace& workspace) { fs_.lanes().refresh(workspace); }
  // Where whoever touches the root runs; null: anywhere, the file system is a local one.
  Executor* lane_of(const Workspace& workspace) const {
    return fs_.lanes().of(workspace, RelPath());
  }
  std::string served_by(const Workspace& workspace) const {
    return fs_.lanes().describe(workspace);
  }

  // Has everything looked at again whose changes nobody tells of.
  void poll() { services_.router.poll(); }
  // Whether anything was read, in the workspace or of tools, whose changes nobody tells of.
  bool reads_untold(const Workspace& workspace) const {
    return workspace.untold() + services_.router.host().untold() > 0;
  }
  // An effect of `run` failed. True: for want of content that the store has lost, and whoever
  // brought it will bring it back when what the run read is asked for again. Once in a run.
  bool look_for_lost(RunId run, const Error& error) {
    return services_.router.note_loss(run, error);
  }

  // The node of what a query selects: a GlobResult without links.
  graph::Key glob(const Workspace& workspace, std::shared_ptr<const GlobQuery> query) const {
    return linked_.key(workspace, std::move(query));
  }

  // The node of what the workspace's kiln.toml sets: a ConfigSettings.
  graph::Key config(const Workspace& workspace) const { return config_.key(workspace); }

  const FsFunctions& functions() const { return fs_; }
  watch::Watcher& watcher() { return services_.watcher; }

 private:
  const FsServices services_;
  const FsFunctions fs_;
  const GitFunctions git_;
  const IgnoreFunction ignore_;
  const ConfigFunction config_;
  const GlobFunction glob_;
  const LinkedGlobFunction linked_;
};

}  // namespace kiln::intrinsics
