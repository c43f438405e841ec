// FileSystem: workspaces as the graph sees them: the nodes that captures are made of.
//
// Threads: thread-safe.
// Owns:    the functions behind the nodes; so it outlives the graph.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_router.h"
#include "daemon/intrinsics/files/config_function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/glob_function.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/intrinsics/files/ignore_function.h"
#include "daemon/intrinsics/files/remote_lanes.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/watch/watcher.h"

namespace kiln::intrinsics {

class FileSystem {
 public:
  explicit FileSystem(const FsServices& services)
      : services_(services), fs_(services), ignore_(fs_), config_(fs_), glob_(fs_, ignore_) {}

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

  // Why a glob that matched nothing did not: "hidden by line 3 of .gitignore (build/)". Empty when
  // nothing hides it. For globs without wildcards; others are not explained.
  // `ask` asks the graph, as whoever wants to know.
  using Ask = std::function<Task<Result<graph::ValueRef>>(graph::Key)>;
  Task<Result<std::string>> explain_unmatched(Ask ask, const Workspace& workspace,
                                              const GlobQuery& query, std::string glob);

  // The node of what a query selects.
  graph::Key glob(const Workspace& workspace, std::shared_ptr<const GlobQuery> query) const {
    return glob_.key(workspace, std::move(query));
  }

  // The node of what the workspace's kiln.toml sets: a ConfigSettings.
  graph::Key config(const Workspace& workspace) const { return config_.key(workspace); }

  const FsFunctions& functions() const { return fs_; }
  watch::Watcher& watcher() { return services_.watcher; }

 private:
  const FsServices services_;
  const FsFunctions fs_;
  const IgnoreFunction ignore_;
  const ConfigFunction config_;
  const GlobFunction glob_;
};

}  // namespace kiln::intrinsics
