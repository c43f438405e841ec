// Context: a running computation's view of the graph.
//
// Threads: single-owner, the coroutine that got it.
// Cancels: when nobody waits for the computation any more; then gets answer kCancelled.
#pragma once

#include <coroutine>
#include <cstdint>
#include <stop_token>
#include <variant>
#include <vector>

#include "daemon/async/suspend.h"
#include "daemon/graph/function.h"

namespace kiln::graph {

struct Attempt;
struct Node;
struct WaitBlock;
enum class RunReason : uint8_t;

class Context {
 public:
  // Asks for another node and makes it a dependency. Awaitable: co_await context.get(key) is a
  // Result<ValueRef>. An error of the dependency should end this computation with that error.
  // A value that is at hand is returned without suspending.
  class Get;
  Get get(Key key);

  // Several at once, in parallel, values in the order of the keys; the first error (in the order
  // of the keys among those seen) ends the wait, and the others are left.
  Task<Result<std::vector<ValueRef>>> get_all(std::vector<Key> keys);

  // Several at once, in parallel, and an answer for each in the order of the keys: an error ends
  // only the get that met it. What is computed in spite of an error is good only for those who
  // wait for it now, since the error may not come again.
  Task<std::vector<Result<ValueRef>>> get_each(std::vector<Key> keys);
  // Both at once: an error of a key that is not `tolerated` ends the wait, as for get_all().
  Task<Result<std::vector<Result<ValueRef>>>> get_some(std::vector<Key> keys,
                                                       std::vector<bool> tolerated);

  // Fires when nobody waits for this computation any more. Long work should end with kCancelled.
  std::stop_token stop_token() const;
  // The run that started this computation.
  RunId run() const;
  // Why the function runs now.
  RunReason reason() const;
  // The hash of the node's key: what invalidate() would name.
  const Hash128& key() const;
  // What the observer knows this computation as.
  SpanId span() const;

  explicit Context(Attempt& attempt) : attempt_(attempt) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  class Several;
  Attempt& attempt_;
};

class Context::Get {
 public:
  Get(Attempt& attempt, Node& target) : attempt_(attempt), state_(&target) {}
  bool await_ready();
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter);
  Result<ValueRef> await_resume();

 private:
  Attempt& attempt_;
  // What to ask for; then what was at hand, or what is waited for, or why it is not.
  std::variant<Node*, ValueRef, WaitBlock*, Error> state_;
};

}  // namespace kiln::graph
