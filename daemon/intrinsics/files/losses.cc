#include "daemon/intrinsics/files/losses.h"

#include "daemon/intrinsics/files/key_encoder.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "store.losses/1";
constexpr uint64_t kNodes = 256;
// Of those who found something gone; losses are rare.
constexpr size_t kMostNoted = 10'000;

Hash128 hash_of(uint64_t i) { return KeyEncoder(kName).add(i).hash(); }

}  // namespace

std::string_view Losses::Function::name() const { return kName; }

std::string Losses::Function::describe(const graph::Value&) const {
  return "what the store has lost";
}

Task<Result<graph::Computed>> Losses::Function::compute(graph::Context&,
                                                        const graph::Value&) const {
  co_return graph::Computed{graph::make_value(count.load())};
}

graph::Key Losses::key(const Hash128& node) const {
  const uint64_t i = node.low % kNodes;
  return {hash_of(i), &function_, graph::make_value(i)};
}

std::vector<Hash128> Losses::hashes() const {
  std::vector<Hash128> hashes;
  for (uint64_t i = 0; i < kNodes; ++i) hashes.push_back(hash_of(i));
  return hashes;
}

bool Losses::note(const Hash128& node, RunId run) {
  const bool first = noted_.with([&](auto& noted) {
    if (noted.size() == kMostNoted) noted.clear();
    const auto [last, added] = noted.try_emplace(node, run);
    if (!added && last->second >= run) return false;
    last->second = run;
    return true;
  });
  if (first) function_.count.fetch_add(1);
  return first;
}

}  // namespace kiln::intrinsics
