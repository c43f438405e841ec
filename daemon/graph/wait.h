// Wait and WaitBlock: someone's interest in nodes, from asking to the answer.
//
// What:    a WaitBlock is one suspended coroutine and the nodes it waits for, a Wait each: one for
//          a get or a request, several for a get of several and for re-checking a group of
//          dependencies. It is resumed when all are done, or one has failed that is not tolerated.
// Owns:    itself, by reference count: the coroutine holds one reference, each linked Wait one. So
//          whoever completes or cancels a wait may finish with it after the coroutine went on.
// Threads: a Wait belongs to the lock of its target while it is linked; then to its coroutine.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <span>
#include <stop_token>

#include "common/base/result.h"
#include "daemon/graph/node.h"
#include "daemon/graph/presence.h"

namespace kiln::graph {

struct WaitBlock;

// What a node answers.
struct Outcome {
  Result<ValueRef> value = ValueRef();  // null for who needs none
  RunId good_through = kEveryRun;
  uint32_t generation = 0;
  bool transient = false;
  bool ran = false;      // the function ran for this
  bool gave_up = false;  // no answer: a re-check that would wait for itself

  bool failed() const { return !value.ok() || gave_up; }
};

struct Wait {
  enum class Stage : uint8_t {
    kIntended,  // in no list yet
    kLinked,    // in the list of the target's attempt
    kDone,      // `outcome` is there
  };
  Node* target = nullptr;
  WaitBlock* block = nullptr;
  Wait* previous = nullptr;  // in the list of the target's attempt
  Wait* next = nullptr;
  uint32_t slot = 0;       // of a get: the place in Attempt::reads
  bool registers = false;  // the answer adds the asker to the target's dependents
  bool started = false;    // this wait made the attempt start
  bool tolerated = false;  // its failure does not end the others
  std::atomic<Stage> stage{Stage::kIntended};
  Outcome outcome;
};

// Of a wait that was left.
Error cancelled_error();

// What a request from outside brings along.
struct RequestOrigin {
  std::stop_token stop;
  SpanId parent;
  Party party = 0;
};

struct WaitBlock {
  // With one reference, for the coroutine. `owner` is null for a request from outside.
  static WaitBlock* make(size_t waits, Attempt* owner, RunId run);
  void ref() { references.fetch_add(1, std::memory_order_relaxed); }
  void unref();

  // `wait` is done. True: the caller resumes `waiter`.
  bool arrive(const Wait& wait);
  // The coroutine is suspended and may be resumed from now on. True: all is done already, and
  // nobody else will resume it.
  bool release() { return gate.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  std::span<Wait> waits() { return {first(), count}; }
  Wait* first() { return reinterpret_cast<Wait*>(this + 1); }

  Attempt* const owner;
  RunId run;
  const RequestOrigin* origin = nullptr;  // of a request from outside, until release()
  std::coroutine_handle<> waiter;
  WaitBlock* previous = nullptr;  // in Attempt::blocks, under the lock of the owner's node
  WaitBlock* next = nullptr;

  const uint32_t count;
  std::atomic<uint32_t> references{1};
  std::atomic<uint32_t> left;
  std::atomic<uint8_t> gate{2};  // all done, and released: then it is resumed
  std::atomic<bool> over{false};
  bool check = false;  // re-checks old dependencies: generations matter, values do not

 private:
  WaitBlock(size_t waits, Attempt* block_owner, RunId block_run)
      : owner(block_owner),
        run(block_run),
        count(static_cast<uint32_t>(waits)),
        left(static_cast<uint32_t>(waits)) {}
  ~WaitBlock() = default;
};

}  // namespace kiln::graph
