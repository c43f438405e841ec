// What the observer is told, if there is one.
#include "daemon/graph/engine.h"
#include "daemon/graph/observer.h"

namespace kiln::graph {

namespace {

Recall recall_of(const Answer& answer) {
  if (answer.joined) return Recall::kJoined;
  return answer.cleaned ? Recall::kCleaned : Recall::kClean;
}

}  // namespace

std::string_view recall_name(Recall recall) {
  switch (recall) {
    case Recall::kClean:
      return "unchanged";
    case Recall::kCleaned:
      return "inputs unchanged";
    case Recall::kJoined:
      return "joined";
  }
  return "";
}

void Engine::tell_start(Attempt& attempt) {
  const Key* changed = nullptr;
  if (attempt.reason == RunReason::kInputChanged) changed = &table_.at(attempt.changed).key;
  const SpanId span = options_.observer->function_started(
      {attempt.parent, attempt.root_run, attempt.node.key, attempt.reason, changed});
  attempt.span = span == SpanId() ? attempt.parent : span;
}

void Engine::tell_end(Attempt& attempt, Ending ending, const Computed* computed,
                      const Error* error) {
  // From here on it re-checks, if anything.
  const SpanId span = std::exchange(attempt.span, attempt.parent);
  options_.observer->function_ended({span, attempt.root_run, attempt.node.key, ending,
                                     computed == nullptr ? nullptr : computed->value.get(),
                                     computed == nullptr ? Validity::kForever : computed->validity,
                                     error});
}

void Engine::tell_answer(const Key& key, RunId run, SpanId parent, const Answer& answer,
                         const Error* error) {
  options_.observer->answered({parent, run, key, recall_of(answer), answer.value.get(), error});
}

}  // namespace kiln::graph
