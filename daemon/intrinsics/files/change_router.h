// ChangeRouter: turns what the watcher saw, and what the store has lost, into invalidations.
//
// Model:   change → key hashes → Graph::invalidate(): the hashes of the leaves follow from the path
//          alone, so a change costs what depends on it and no index is kept. Apart from FileSystem,
//          because the watcher needs its sink before there is a graph to tell.
// Threads: thread-safe.
#pragma once

#include <atomic>
#include <span>
#include <utility>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_bell.h"
#include "daemon/intrinsics/files/losses.h"
#include "daemon/intrinsics/files/poll_nodes.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/watch/watcher.h"

namespace kiln::intrinsics {

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
  // The whole machine, whose changes it routes beside those of workspaces.
  const Workspace& host() const { return workspaces_.host(); }
  // Has a node run again that nothing on disk has changed for: what it made was lost.
  void forget(const Hash128& node);
  // `reader` failed with `error`. If that is content that the store has lost, all who brought
  // content are to look again, and with them what reads: so it is repeated, once in each run.
  void note_loss(const graph::Context& reader, const Error& error);
  // The same for an effect of `run`. True: those who brought content will look, once they are
  // asked.
  bool note_loss(RunId run, const Error& error);
  // What a node that brings content from elsewhere than the disk depends on.
  graph::Key losses(const graph::Context& node) const { return losses_.key(node.key()); }
  // What a node depends on that reads something whose changes nobody tells of.
  graph::Key polls(const graph::Context& node) const { return polls_.key(node.key()); }
  // Has all such nodes look again.
  void poll();

  void changed(std::span<const watch::Change> changes) override;
  uint64_t forgotten() const override;
  bool needs(const std::string& directory) const override;

 private:
  bool note_loss(const Hash128& reader, RunId run, const Error& error);
  using Place = std::pair<WorkspaceRef, RelPath>;  // of a directory
  static void add_hashes(const watch::Change& change, const Place& place,
                         std::vector<Hash128>& hashes);
  // All that was read of all workspaces.
  void add_everything(std::vector<Hash128>& hashes);

  const Workspaces& workspaces_;
  std::atomic<graph::Graph*> graph_{nullptr};
  std::atomic<ChangeBell*> bell_{nullptr};
  std::atomic<uint64_t> overflows_{0};
  Losses losses_;
  PollNodes polls_;
};

}  // namespace kiln::intrinsics
