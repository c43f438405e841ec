// PollNodes: what is read without being told of changes depends on one of these nodes, so that
// somebody who waits for changes can have all of it looked at again.
//
// What:    within one run the value of what is not watched holds, since each request is a new run.
//          Only --loop, which goes on under the id of its last round, polls. What runs again
//          because of a poll believes a stat that proves the content.
// Threads: thread-safe.
// Owns:    the function of its nodes; so it outlives the graph.
#pragma once

#include <atomic>
#include <vector>

#include "daemon/graph/graph.h"

namespace kiln::intrinsics {

class PollNodes {
 public:
  // What `node` depends on: the number of polls. One of several for all nodes, so that none has
  // very many dependents.
  graph::Key key(const Hash128& node) const;
  // Another poll. Invalidate what is returned.
  std::vector<Hash128> poll();

 private:
  class Function final : public graph::Function {
   public:
    std::string_view name() const override;
    Task<Result<graph::Computed>> compute(graph::Context& context,
                                          const graph::Value& input) const override;
    std::string describe(const graph::Value& input) const override;
    std::atomic<uint64_t> polls{0};
  };
  Function function_;
};

}  // namespace kiln::intrinsics
