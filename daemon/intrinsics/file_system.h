// FileSystem: workspaces as the graph sees them. Turns what the watcher saw into invalidations, and
// has the nodes that captures are made of.
//
// Model:   change → key hashes → Graph::invalidate(): the hashes of the leaves follow from the path
//          alone, so a change costs what depends on it and no index is kept.
// Threads: thread-safe.
// Owns:    the functions behind the nodes; so it outlives the graph.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/change_bell.h"
#include "daemon/intrinsics/config_function.h"
#include "daemon/intrinsics/fs_functions.h"
#include "daemon/intrinsics/glob_function.h"
#include "daemon/intrinsics/glob_query.h"
#include "daemon/intrinsics/ignore_function.h"
#include "daemon/intrinsics/losses.h"
#include "daemon/intrinsics/workspace.h"
#include "daemon/watch/watcher.h"

namespace kiln::intrinsics {

// Receives changes from the watcher. Apart from FileSystem, because the watcher needs its sink
// before there is a graph to tell.
class ChangeRouter final : public watch::ChangeSink {
 public:
  explicit ChangeRouter(const Workspaces& workspaces) : workspaces_(workspaces) {}

  // From here on changes reach `graph`, and then ring `bell` (may be null). Both outlive the
  // watcher's last call.
  void attach(graph::Graph& graph, ChangeBell* bell = nullptr) {
    bell_.store(bell);
    graph_.store(&graph);
  }
  // Calls that begin later tell nobody.
  void detach() { graph_.store(nullptr); }
  std::atomic<uint64_t>& overflows() { return overflows_; }
  // Has a node run again that nothing on disk has changed for: what it made was lost.
  void forget(const Hash128& node);
  // `reader` failed with `error`. If that is content that the store has lost, all who brought
  // content are to look again, and with them what reads: so it is repeated, once in each run.
  void note_loss(const graph::Context& reader, const Error& error);
  // What a node that brings content from elsewhere than the disk depends on.
  graph::Key losses(const graph::Context& node) const { return losses_.key(node.key()); }

  void changed(std::span<const watch::Change> changes) override;

 private:
  using Place = std::pair<const Workspace*, RelPath>;  // of a directory
  static void add_hashes(const watch::Change& change, const Place& place,
                         std::vector<Hash128>& hashes);
  // All that was read of all workspaces.
  void add_everything(std::vector<Hash128>& hashes);

  const Workspaces& workspaces_;
  std::atomic<graph::Graph*> graph_{nullptr};
  std::atomic<ChangeBell*> bell_{nullptr};
  std::atomic<uint64_t> overflows_{0};
  Losses losses_;
};

class FileSystem {
 public:
  explicit FileSystem(const FsServices& services)
      : services_(services),
        fs_(services),
        ignore_(fs_, services.store.blobs()),
        config_(fs_, services.store.blobs()),
        glob_(fs_, ignore_) {}

  // Has every file of the workspace looked at again, as after an overflow: content that the store
  // has lost is read once more.
  void look_again(graph::Graph& graph, const Workspace& workspace);

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
