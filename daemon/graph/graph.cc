#include "daemon/graph/graph.h"

#include <algorithm>
#include <string>

#include "daemon/graph/engine.h"

namespace kiln::graph {

Graph::Graph(Executor& executor, Options options)
    : engine_(std::make_unique<Engine>(executor, options)) {}
Graph::~Graph() = default;

Graph::Request Graph::request(Key key, RunId run, std::stop_token stop, SpanId parent) {
  return {*engine_, std::move(key), run, std::move(stop), parent};
}
size_t Graph::invalidate(std::span<const Hash128> keys) { return engine_->invalidate(keys); }
std::optional<Why> Graph::why(const Hash128& key) const { return engine_->why(key); }
Stats Graph::stats() const { return engine_->stats(); }

bool Graph::Request::await_ready() {
  return stop_.stop_requested() || engine_.answer_at_hand(key_, run_, parent_, answer_);
}

std::coroutine_handle<> Graph::Request::await_suspend(std::coroutine_handle<> waiter) {
  under_way_ = engine_.request(std::move(key_), run_, {std::move(stop_), parent_});
  return std::move(under_way_).operator co_await().await_suspend(waiter);
}

Result<Answer> Graph::Request::await_resume() {
  if (under_way_.valid()) return std::move(under_way_).operator co_await().await_resume();
  if (!answer_.value) return cancelled_error();
  return std::move(answer_);
}

Engine::~Engine() {
  closing_.store(true, std::memory_order_release);
  // From here on nothing starts. All that wait are told so, and what runs is abandoned.
  Leftovers leftovers;
  table_.for_each([&](Node& node) {
    NodeGuard guard(node.lock);
    if (node.state == State::kRunning) {
      for (Wait* wait = node.work.attempt->waiters; wait != nullptr; wait = wait->next) {
        wait->block->ref();
        leftovers.blocks.push_back(wait->block);
      }
    }
    return true;
  });
  drain(std::move(leftovers), Leaving::kCancelled);
  live_.join();
}

// A request that is suspended: as a WaitBlock of one, which a stop token may end.
class Engine::RootWait {
 public:
  RootWait(Engine& engine, Node& node, RunId run, const RequestOrigin& origin)
      : engine_(engine), stop_(origin.stop), block_(WaitBlock::make(1, nullptr, run)) {
    block_->first()->target = &node;
    block_->origin = &origin;
  }
  RootWait(const RootWait&) = delete;
  RootWait& operator=(const RootWait&) = delete;
  ~RootWait() { block_->unref(); }

  bool await_ready() const noexcept { return false; }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
    on_stop_.emplace(stop_, Leave{engine_, *block_});
    return engine_.suspend(*block_, waiter);
  }
  Wait& await_resume() {
    on_stop_.reset();
    return *block_->first();
  }

 private:
  struct Leave {
    Engine& engine;
    WaitBlock& block;
    void operator()() const { engine.leave(block, Leaving::kCancelled); }
  };
  Engine& engine_;
  const std::stop_token& stop_;
  WaitBlock* block_;
  std::optional<std::stop_callback<Leave>> on_stop_;
};

bool Engine::answer_request(Node& node, RunId run, Answer& answer) {
  NodeGuard guard(node.lock);
  if (!node.clean_for(run) || !node.value) return false;
  node.used = true;
  answer.value = node.value;
  answer.generation = node.generation;
  return true;
}

bool Engine::answer_at_hand(const Key& key, RunId run, SpanId parent, Answer& answer) {
  // While an invalidation is on its way up, what is Clean may be made of both old and new.
  if (epoch_.load(std::memory_order_acquire) % 2 != 0) return false;
  if (!table_.answer(key.hash, [&](Node& node) { return answer_request(node, run, answer); })) {
    return false;
  }
  if (options_.observer != nullptr) [[unlikely]]
    tell_answer(key, run, parent, answer, nullptr);
  return true;
}

Task<Result<Answer>> Engine::request(Key key, RunId run, RequestOrigin origin) {
  counters_.add(Count::kRequests);
  origin.party = presence_.enter();
  Node& node = node_of(std::move(key));
  const bool observed = options_.observer != nullptr;
  Answer answer;
  live_.enter(origin.party);
  const Result<void> done = co_await request_slowly(node, run, origin, answer);
  // What ran for this request was told of when it ended.
  if (observed && !answer.ran && (done.ok() || answer.joined)) {
    tell_answer(node.key, run, origin.parent, answer, done.ok() ? nullptr : &done.error());
  }
  presence_.leave(origin.party);
  note_size();
  live_.leave(origin.party);
  if (!done.ok()) co_return done.error();
  co_return answer;
}

Task<Result<void>> Engine::request_slowly(Node& node, RunId run, const RequestOrigin& origin,
                                          Answer& answer) {
  for (int round = 0; round <= options_.max_restarts;) {
    const uint64_t epoch = epoch_.load(std::memory_order_acquire);
    if (epoch % 2 != 0) {
      co_await resume_on(executor_);
      continue;
    }
    if (answer_request(node, run, answer)) co_return Result<void>();
    RootWait root(*this, node, run, origin);
    Wait& wait = co_await root;
    Outcome& outcome = wait.outcome;
    answer.ran |= wait.started && outcome.ran;
    answer.joined |= !wait.started && outcome.ran;
    answer.cleaned |= !outcome.ran;
    if (!outcome.value.ok()) co_return outcome.value.error();
    // Nothing was invalidated meanwhile, or nothing that this attempt did not take into account;
    // what is not remembered cannot be looked at twice.
    if (outcome.transient || epoch_.load(std::memory_order_acquire) == epoch) {
      answer.value = *std::move(outcome.value);
      answer.generation = outcome.generation;
      co_return Result<void>();
    }
    ++round;
  }
  co_return environment_error(ErrorCode::kFailedPrecondition,
                              "what " + node.key.describe() + " depends on kept changing, " +
                                  std::to_string(options_.max_restarts + 1) +
                                  " times: wait until it is quiet, then ask again");
}

std::optional<Why> Engine::why(const Hash128& hash) const {
  const Inside inside(presence_);
  const Node* node = table_.find(hash);
  if (node == nullptr) return std::nullopt;
  Why why;
  NodeGuard guard(node->lock);
  why.reason = node->reason;
  if (node->reason != RunReason::kInputChanged) return why;
  // It asked for that again; or it is no pure function, and the other may be forgotten.
  const auto changed = std::find_if(node->deps.begin(), node->deps.end(),
                                    [](const Edge& edge) { return edge.changed != 0; });
  if (changed != node->deps.end()) why.changed = table_.at(changed->node).key;
  return why;
}

Stats Engine::stats() const {
  Stats stats;
  stats.nodes = table_.size();
  stats.edges = counters_.sum(Count::kEdges);
  // An edge is recorded at both ends.
  stats.node_bytes = table_.bytes() + stats.edges * (sizeof(Edge) + sizeof(NodeId));
  {
    MutexLock lock(eviction_);
    stats.node_bytes += order_.bytes();
  }
  stats.value_bytes = counters_.sum(Count::kValueBytes);
  const uint64_t at_hand = counters_.sum(Count::kAtHand) + table_.answers();
  stats.requests = counters_.sum(Count::kRequests) + at_hand;
  stats.clean_hits = counters_.sum(Count::kCleanHits) + at_hand;
  stats.cleaned = counters_.sum(Count::kCleaned);
  stats.ran = counters_.sum(Count::kRan);
  stats.cut_off = counters_.sum(Count::kCutOff);
  stats.joined = counters_.sum(Count::kJoined);
  stats.cancelled = counters_.sum(Count::kCancelled);
  stats.invalidated = counters_.sum(Count::kInvalidated);
  stats.dirtied = counters_.sum(Count::kDirtied);
  stats.evicted = counters_.sum(Count::kEvicted);
  stats.forgotten = counters_.sum(Count::kForgotten);
  return stats;
}

}  // namespace kiln::graph
