#include "daemon/intrinsics/files/poll_nodes.h"

#include "daemon/intrinsics/files/key_encoder.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.poll/1";
constexpr uint64_t kNodes = 256;

Hash128 hash_of(uint64_t i) { return KeyEncoder(kName).add(i).hash(); }

}  // namespace

std::string_view PollNodes::Function::name() const { return kName; }

std::string PollNodes::Function::describe(const graph::Value&) const {
  return "look at what is not watched";
}

Task<Result<graph::Computed>> PollNodes::Function::compute(graph::Context&,
                                                           const graph::Value&) const {
  co_return graph::Computed{graph::make_value(polls.load())};
}

graph::Key PollNodes::key(const Hash128& node) const {
  const uint64_t i = node.low % kNodes;
  return {hash_of(i), &function_, graph::make_value(i)};
}

std::vector<Hash128> PollNodes::poll() {
  function_.polls.fetch_add(1);
  std::vector<Hash128> hashes;
  for (uint64_t i = 0; i < kNodes; ++i) hashes.push_back(hash_of(i));
  return hashes;
}

}  // namespace kiln::intrinsics
