// Watcher: says of a graph of toy rules whether what ran had a reason to.
// Threads: single-owner: of a graph on one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "daemon/graph/observer.h"
#include "tests/fuzz/rules/toy_client.h"

namespace kiln::rules::fuzz {

// What is known of a node from watching it: enough to say whether a run had a reason. Of what ran
// while the world changed, what it read is not known.
class Watcher final : public graph::Observer {
 public:
  // `forgets`: the graph does, and may then run what it forgot.
  Watcher(int variant, bool forgets) : variant_(variant), forgets_(forgets) {}

  // Until the next call: all that runs is what `question` needs in `state`, which does not change.
  void expect(const Question& question, const State& state) {
    naive_.emplace(question.evaluator(state, variant_));
    (void)question.answer(*naive_);
  }
  void expect_anything() { naive_.reset(); }
  void invalidated(const graph::Key& key) { known_[node_name(key)].reason = true; }
  const std::string& problem() const { return problem_; }

  SpanId function_started(const graph::FunctionStart& start) override {
    const std::string name = node_name(start.key);
    Known& known = known_[name];
    if (naive_) check(name, known, start.run);
    known.reason = true;  // until it has ended well
    return SpanId{++spans_};
  }
  void function_ended(const graph::FunctionEnd& end) override {
    if (end.ending != graph::Ending::kChanged && end.ending != graph::Ending::kUnchanged) return;
    const std::string name = node_name(end.key);
    Known& known = known_[name];
    if (end.ending == graph::Ending::kChanged) ++known.version;
    known.run = end.run;
    known.validity = end.validity;
    known.reads.clear();
    if (!naive_) return;
    const auto visit = naive_->visits().find(name);
    if (visit == naive_->visits().end()) return;
    known.reason = visit->second.tainted;
    for (const std::string& read : visit->second.reads) known.reads[read] = known_[read].version;
  }
  void answered(const graph::Remembered&) override {}

 private:
  struct Known {
    uint64_t version = 0;  // grows when it computes another value
    bool reason = true;    // it may run again whatever it read
    RunId run{0};
    graph::Validity validity = graph::Validity::kForever;
    std::map<std::string, uint64_t> reads;
  };

  void check(const std::string& name, const Known& known, RunId run) {
    if (!naive_->visits().contains(name)) return problem(name + " ran, and nobody needs it");
    if (forgets_ || known.reason || known.validity == graph::Validity::kNever) return;
    if (known.validity == graph::Validity::kThisRun && run > known.run) return;
    for (const auto& [read, version] : known.reads) {
      const Known& now = known_[read];
      if (now.version != version || now.reason) return;
    }
    problem(name + " ran without a reason");
  }
  void problem(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  const int variant_;
  const bool forgets_;
  std::optional<NaiveEvaluator> naive_;
  std::map<std::string, Known> known_;
  uint64_t spans_ = 0;
  std::string problem_;
};

}  // namespace kiln::rules::fuzz
