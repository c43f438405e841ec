// What a running function sees of the graph.
#include "daemon/graph/engine.h"

namespace kiln::graph {

Context::Get Context::get(Key key) {
  return Get(attempt_, attempt_.engine.node_of(std::move(key)));
}

bool Context::Get::await_ready() {
  Engine& engine = attempt_.engine;
  Node* const target = std::get<Node*>(state_);
  if (ValueRef value = engine.value_at_hand(attempt_, *target)) {
    state_ = std::move(value);
    return true;
  }
  const Result<WaitBlock*> block = engine.open_block(attempt_, {&target, 1});
  if (block.ok()) {
    state_ = *block;
  } else {
    state_ = block.error();
  }
  return !block.ok();
}

bool Context::Get::await_suspend(std::coroutine_handle<> waiter) {
  return attempt_.engine.suspend(*std::get<WaitBlock*>(state_), waiter);
}

Result<ValueRef> Context::Get::await_resume() {
  if (auto* value = std::get_if<ValueRef>(&state_)) return std::move(*value);
  if (const auto* error = std::get_if<Error>(&state_)) return *error;
  WaitBlock* const block = std::get<WaitBlock*>(state_);
  attempt_.engine.collect(*block);
  Result<ValueRef> result = std::move(block->first()->outcome.value);
  block->unref();
  return result;
}

// A get of several that is under way. Whoever awaits it finds the outcomes in waits().
class Context::Several {
 public:
  Several(Engine& engine, WaitBlock& block) : engine_(engine), block_(block) {}
  Several(const Several&) = delete;
  Several& operator=(const Several&) = delete;
  ~Several() { block_.unref(); }

  static std::vector<Node*> nodes_of(Engine& engine, std::vector<Key> keys) {
    std::vector<Node*> targets(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) targets[i] = &engine.node_of(std::move(keys[i]));
    return targets;
  }

  bool await_ready() const noexcept { return false; }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
    return engine_.suspend(block_, waiter);
  }
  void await_resume() { engine_.collect(block_); }
  std::span<Wait> waits() { return block_.waits(); }

  // What ended the wait, if something did. Those that were left have kCancelled; an error of their
  // own comes first.
  std::optional<Error> failure() {
    std::optional<Error> left;
    for (const Wait& wait : waits()) {
      const Result<ValueRef>& value = wait.outcome.value;
      if (value.ok() || wait.tolerated) continue;
      if (value.error().code() != ErrorCode::kCancelled) return value.error();
      if (!left) left = value.error();
    }
    return left;
  }

 private:
  Engine& engine_;
  WaitBlock& block_;
};

Task<Result<std::vector<ValueRef>>> Context::get_all(std::vector<Key> keys) {
  if (keys.empty()) co_return std::vector<ValueRef>();
  const std::vector<Node*> targets = Several::nodes_of(attempt_.engine, std::move(keys));
  KILN_CO_ASSIGN(WaitBlock* const block, attempt_.engine.open_block(attempt_, targets));
  Several several(attempt_.engine, *block);
  co_await several;
  if (std::optional<Error> failure = several.failure()) co_return *std::move(failure);
  std::vector<ValueRef> values;
  values.reserve(targets.size());
  for (Wait& wait : several.waits()) values.push_back(*std::move(wait.outcome.value));
  co_return values;
}

Task<Result<std::vector<Result<ValueRef>>>> Context::get_some(std::vector<Key> keys,
                                                              std::vector<bool> tolerated) {
  std::vector<Result<ValueRef>> answers;
  if (keys.empty()) co_return answers;
  const std::vector<Node*> targets = Several::nodes_of(attempt_.engine, std::move(keys));
  KILN_CO_ASSIGN(WaitBlock* const block, attempt_.engine.open_block(attempt_, targets, tolerated));
  Several several(attempt_.engine, *block);
  co_await several;
  if (std::optional<Error> failure = several.failure()) co_return *std::move(failure);
  answers.reserve(targets.size());
  for (Wait& wait : several.waits()) answers.push_back(std::move(wait.outcome.value));
  co_return answers;
}

Task<std::vector<Result<ValueRef>>> Context::get_each(std::vector<Key> keys) {
  const size_t count = keys.size();
  auto answers = co_await get_some(std::move(keys), std::vector<bool>(count, true));
  // Of an attempt that was abandoned.
  if (!answers.ok()) co_return std::vector<Result<ValueRef>>(count, answers.error());
  co_return *std::move(answers);
}

std::stop_token Context::stop_token() const { return attempt_.engine.stop_token_of(attempt_); }

RunId Context::run() const { return attempt_.run; }

RunReason Context::reason() const { return attempt_.reason; }

const Hash128& Context::key() const { return attempt_.node.key.hash; }

SpanId Context::span() const { return attempt_.span; }

}  // namespace kiln::graph
