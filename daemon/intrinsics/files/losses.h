// Losses: content that is remembered to be in the store and is not there.
//
// What:    damage and deletion are found by who reads. Then all who brought content into the store
//          look again: files are read by the workspace's leaves, downloads and processes depend on
//          a node of this. Whoever still has its content finds it at once.
// Threads: thread-safe.
// Owns:    the function of its nodes; so it outlives the graph.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <vector>

#include "common/base/sync.h"
#include "daemon/graph/graph.h"

namespace kiln::intrinsics {

class Losses {
 public:
  // What a node depends on that brought content from elsewhere. One of several for all nodes, so
  // that none has very many dependents.
  graph::Key key(const Hash128& node) const;
  // Of all of these.
  std::vector<Hash128> hashes() const;

  // A node found content gone. True: everybody is to look again, and the nodes of this differ once
  // they are invalidated. False: the same node said so in this run, and looking did not help.
  bool note(const Hash128& node, RunId run);

 private:
  class Function final : public graph::Function {
   public:
    std::string_view name() const override;
    Task<Result<graph::Computed>> compute(graph::Context& context,
                                          const graph::Value& input) const override;
    std::string describe(const graph::Value& input) const override;
    std::atomic<uint64_t> count{0};
  };

  Function function_;
  // Who found something gone, and in which run the last time.
  Synchronized<absl::flat_hash_map<Hash128, RunId>> noted_;
};

}  // namespace kiln::intrinsics
