// Graph: the memo. Runs each function at most once per state of its dependencies, shares the run
// between everyone who waits, and remembers.
//
// Model:   push dirty, pull clean. invalidate() marks the changed nodes and their transitive
//          dependents; a request re-checks what it needs and re-runs only where a dependency's
//          value really changed (early cut-off). See README.md of this module.
// Threads: thread-safe. No lock is held while a function runs or a waiter resumes. Functions run on
//          the executor given at construction; awaiting resumes there or, when the answer is at
//          hand, at once on the caller's thread.
// Owns:    nodes, values, and the scope of everything running. The destructor cancels and joins.
// Cancels: a run is asked to stop (Context::stop_token) when nobody waits for it any more.
// Fails:   a function's error reaches all who wait for it, each dependent's description added as
//          context, and is not stored. ErrorCode::kCycle names the cycle, kCancelled says the
//          waiter's own stop token fired.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "daemon/async/executor.h"
#include "daemon/graph/context.h"
#include "daemon/graph/function.h"

namespace kiln::graph {

class Engine;
class Observer;

// Why a node ran the last time it ran.
enum class RunReason : uint8_t {
  kNeverRan,
  kFirstRun,      // it had no value
  kInputChanged,  // the dependency named in Why::changed has another value now
  kInvalidated,   // invalidate() named it
  kNewRun,        // its value was good for an earlier run only
  kEvicted,       // its value was dropped to free memory
  kFailedBefore,  // it ended in an error or was cancelled the last time
};
std::string_view run_reason_name(RunReason reason);

struct Why {
  RunReason reason = RunReason::kNeverRan;
  // kInputChanged: the first dependency, in the order of asking, that changed.
  std::optional<Key> changed;
};

struct Answer {
  ValueRef value;
  // Grows when the node's value changes; equal generation, equal value.
  uint64_t generation = 0;
  // This request made the node run. False: it was clean, or it was cleaned without running, or it
  // was running for somebody else already.
  bool ran = false;
  // It ran for somebody else's request, which this one joined.
  bool joined = false;
  // It was re-checked, by this request or another, and nothing that it read had changed.
  bool cleaned = false;
};

struct Stats {
  uint64_t nodes = 0;
  uint64_t edges = 0;
  // Nodes, keys, edges and index; then values.
  uint64_t node_bytes = 0;
  uint64_t value_bytes = 0;
  // Counted since construction.
  uint64_t requests = 0;     // roots and gets
  uint64_t clean_hits = 0;   // answered without looking at dependencies
  uint64_t cleaned = 0;      // dirty nodes whose dependencies turned out unchanged
  uint64_t ran = 0;          // functions started
  uint64_t cut_off = 0;      // ran, and the value was the old one
  uint64_t joined = 0;       // waited for a run that another had started
  uint64_t cancelled = 0;    // runs stopped because nobody waited any more
  uint64_t invalidated = 0;  // nodes named by invalidate()
  uint64_t dirtied = 0;      // nodes marked because something below them changed
  uint64_t evicted = 0;
  uint64_t forgotten = 0;  // nodes
};

// Grows at a constant rate: the processor's time stamp, where it has one.
uint64_t processor_ticks();

struct Options {
  // Values beyond this many bytes are evicted, first those that were not used for long and take
  // little time, by byte, to make again; 0 is no cap. Keys, dependencies and generations stay.
  uint64_t value_bytes_cap = 0;
  // What that time is measured by. Only ratios matter, and only of what is twice as much.
  uint64_t (*ticks)() = processor_ticks;
  // With more nodes than this, those that nothing depends on and nobody asked for of late are
  // forgotten, keys and all, piece by piece while requests go on; 0: never. What is in use stays.
  // Each KiB that the keys hold counts as one node more.
  uint64_t node_budget = uint64_t{1} << 20;
  // A root whose inputs change while it runs is run again, this often at most; then the request
  // fails and says what kept changing.
  int max_restarts = 100;
  // Is told what runs. May be null; outlives the graph.
  Observer* observer = nullptr;
};

class Graph {
 public:
  // `executor` outlives the graph.
  explicit Graph(Executor& executor, Options options = {});
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // The value of `key` as of every invalidate() that returned before this call was made: if
  // something below is invalidated meanwhile, what it affects runs again before the answer.
  // `stop` makes this waiter leave at once. `parent` is the span of what asks, for the observer.
  // Awaitable: co_await graph.request(…) is a Result<Answer>. What is at hand is returned without
  // suspending.
  class Request;
  Request request(Key key, RunId run, std::stop_token stop, SpanId parent = {});

  // The named nodes must run again before they are believed; all that depends on them is dirty.
  // Hashes that are no node are ignored. Nodes running now are affected as well: what they read
  // may be older than the change. Returns how many of the named were nodes.
  size_t invalidate(std::span<const Hash128> keys);

  // Why the node ran last; nothing if there is no such node.
  std::optional<Why> why(const Hash128& key) const;
  Stats stats() const;

 private:
  std::unique_ptr<Engine> engine_;
};

class Graph::Request {
 public:
  Request(Engine& engine, Key key, RunId run, std::stop_token stop, SpanId parent)
      : engine_(engine), key_(std::move(key)), run_(run), stop_(std::move(stop)), parent_(parent) {}
  bool await_ready();
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter);
  Result<Answer> await_resume();

 private:
  Engine& engine_;
  Key key_;
  RunId run_;
  std::stop_token stop_;
  SpanId parent_;
  Answer answer_;                   // when it was at hand
  Task<Result<Answer>> under_way_;  // when it was not
};

}  // namespace kiln::graph
