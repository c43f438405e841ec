// What a running function sees of the graph.
#include <array>

#include "daemon/graph/engine.h"

namespace kiln::graph {

namespace {

Result<ValueRef> result_of(Outcome&& outcome) {
  if (outcome.error) return *std::move(outcome.error);
  return std::move(outcome.value);
}

}  // namespace

Context::Get Context::get(Key key) { return Get(attempt_, std::move(key)); }

bool Context::Get::await_ready() {
  Engine& engine = attempt_.engine;
  Node& target = engine.node_of(std::move(key_));
  Node* const targets[] = {&target};
  Engine::Place place;
  if (std::optional<Error> error = engine.reserve(attempt_, targets, {&place, 1})) {
    answer_.emplace(*std::move(error));
    return true;
  }
  if (std::optional<Outcome> outcome = engine.answer_at_hand(attempt_, target, place)) {
    answer_.emplace(std::move(outcome->value));
    return true;
  }
  block_ = engine.open_block(attempt_, targets, {&place, 1});
  return false;
}

bool Context::Get::await_suspend(std::coroutine_handle<> waiter) {
  return attempt_.engine.suspend(*block_, waiter);
}

Result<ValueRef> Context::Get::await_resume() {
  if (block_ == nullptr) return *std::move(answer_);
  attempt_.engine.collect(*block_);
  Result<ValueRef> result = result_of(std::move(block_->first()->outcome));
  block_->unref();
  return result;
}

// Waits until all are answered or one has failed.
class Context::GetAll {
 public:
  GetAll(Engine& engine, WaitBlock& block) : engine_(engine), block_(block) {}
  bool await_ready() const noexcept { return false; }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
    return engine_.suspend(block_, waiter);
  }
  Result<std::vector<ValueRef>> await_resume() {
    engine_.collect(block_);
    std::vector<ValueRef> values;
    values.reserve(block_.count);
    // Those that were left have kCancelled; an error of their own comes first.
    std::optional<Error> left;
    std::optional<Error> failed;
    for (Wait& wait : block_.waits()) {
      if (!wait.outcome.error) {
        values.push_back(std::move(wait.outcome.value));
      } else if (wait.outcome.error->code() == ErrorCode::kCancelled) {
        if (!left) left = std::move(wait.outcome.error);
      } else if (!failed) {
        failed = std::move(wait.outcome.error);
      }
    }
    block_.unref();
    if (failed) return *std::move(failed);
    if (left) return *std::move(left);
    return values;
  }

 private:
  Engine& engine_;
  WaitBlock& block_;
};

Task<Result<std::vector<ValueRef>>> Context::get_all(std::vector<Key> keys) {
  if (keys.empty()) co_return std::vector<ValueRef>();
  Engine& engine = attempt_.engine;
  std::vector<Node*> targets(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) targets[i] = &engine.node_of(std::move(keys[i]));
  std::vector<Engine::Place> places(keys.size());
  if (std::optional<Error> error = engine.reserve(attempt_, targets, places)) {
    co_return *std::move(error);
  }
  WaitBlock* block = engine.open_block(attempt_, targets, places);
  co_return co_await GetAll(engine, *block);
}

std::stop_token Context::stop_token() const { return attempt_.engine.stop_token_of(attempt_); }

RunId Context::run() const { return attempt_.run; }

}  // namespace kiln::graph
