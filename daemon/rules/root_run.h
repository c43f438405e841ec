// RootRun: a goal or a query, asked from outside, answered of one state.
//
// What:    asks the graph for what the goal or query wants and remembers the generation of each
//          answer, and each error. Before anything irreversible (an effect, or the end) it looks
//          whether what it read still holds; if not, it begins anew, and what was printed is thrown
//          away.
// Threads: single-owner: one root, on one thread at a time; resumes on the graph's executor.
// Cancels: `stop` ends it with kCancelled.
// Fails:   a rule's error, with the chain of rules that led there. kFailedPrecondition when what it
//          reads kept changing; names what.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/types/ids.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

class RootRun {
 public:
  struct Surroundings {
    graph::Graph& graph;
    RunId run;
    std::stop_token stop;
    // The barrier: learns of every change that was finished before the call, and returns the clock.
    std::function<ClockTick()> synchronize;
    // Of whoever passed it on behalf of this root already: nothing else is asked before it begins.
    std::optional<ClockTick> synchronized = {};
    // Hands on what the goal printed; waits for a slow reader.
    std::function<Task<Result<void>>(Console::Text)> print;
    // An effect failed. True: what it lacked may be there once all that was read is asked for
    // again.
    std::function<bool(const Error&)> may_come_back = {};
  };
  explicit RootRun(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

  // `given` holds a param for each type of the root's scope, in that order.
  Task<Result<graph::ValueRef>> query(const Root& root, std::vector<Param> given);
  // The goal's exit code. `effects` holds what the goal takes besides `console`.
  Task<Result<int>> goal(const Root& root, std::vector<Param> given, EffectSet effects);

  // The state that the answer describes.
  ClockTick clock() const { return clock_; }
  // After the end: would it, asked again with run id `run`, read anything else? For --loop.
  Task<Result<bool>> changed(RunId run);
  // While an effect is acting: whether what was read has changed since. If so, the goal begins anew
  // when the effect has ended, however often that happens.
  Task<Result<bool>> restart_if_changed();

 private:
  class Asker;
  struct NodeRead {
    graph::Key key;
    uint64_t generation = 0;
    std::optional<std::string> failure;  // instead: its error's message

    bool holds(const Result<graph::Answer>& now) const;
  };
  using Body = std::function<Task<Result<graph::ValueRef>>(Asker&)>;

  // Runs `body` until what it read is of one state.
  Task<Result<graph::ValueRef>> settle(std::string what, Body body);
  // Whether everything that was read is what it was; remembers what is not. `looked`: what was read
  // is of the state at clock_, so that nothing has to be asked while the clock stands.
  Task<Result<bool>> unchanged(RunId run, bool looked);
  // What was read holds: what was printed goes out, and there is no way back.
  Task<Result<void>> commit();

  const Surroundings surroundings_;
  Console console_;
  std::vector<NodeRead> reads_;
  ClockTick clock_;
  bool committed_ = false;
  bool stale_ = false;    // what was read since it began (anew) was found changed
  bool restart_ = false;  // found so by restart_if_changed()
  std::string culprit_;   // what changed
};

}  // namespace kiln::rules
