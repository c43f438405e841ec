// Applying a rule: its arguments are found, its body is run, its wants are answered.
//
// What:    the one driver of rule bodies. `Asker` is how keys are asked for: by a node of the graph
//          (entry.cc) or by a root from outside (root_run.cc). It has
//            auto one(graph::Key)                 awaitable, WantAnswer
//            Task<Result<std::vector<WantAnswer>>> all(std::vector<graph::Key>, Tolerated)
//                                                 one for each; an error that is not tolerated ends
//                                                 all, and its siblings are cancelled
//            Task<Result<void>> ready_for_effect()  an error ends the body
//            Task<Result<void>> act(const Effect&)  has it; its error is the body's to see
//            Error own(Error)                       that the body itself ended in
// Threads: single-owner; resumes where the asker does.
#pragma once

#include <algorithm>
#include <vector>

#include "daemon/rules/effects.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

// The supply for one want of an entry's body. Fails for a value that is no member of the union.
Result<const Supply*> supply_for(const Entry& entry, const Want& want);

// Which of several wants want to see their error. Empty: none.
using Tolerated = std::vector<bool>;

// Answers for several supplies at once, in their order; a param is its own answer. Fails with an
// error that is not tolerated.
template <class Asker>
Task<Result<std::vector<WantAnswer>>> answer_all(Asker& asker, const Params& own,
                                                 std::span<const Supply* const> supplies,
                                                 std::span<const std::span<const Param>> inputs,
                                                 const Tolerated& tolerated = {}) {
  std::vector<WantAnswer> answers;
  answers.reserve(supplies.size());
  std::vector<graph::Key> keys;
  std::vector<size_t> places;
  Tolerated tolerated_keys;
  for (size_t i = 0; i < supplies.size(); ++i) {
    if (supplies[i]->entry == nullptr) {
      answers.emplace_back(Entry::param(*supplies[i], own, inputs[i]).value);
    } else {
      keys.push_back(Entry::key(*supplies[i], own, inputs[i]));
      places.push_back(i);
      if (!tolerated.empty()) tolerated_keys.push_back(tolerated[i]);
      answers.emplace_back(graph::ValueRef());
    }
  }
  if (keys.empty()) co_return answers;
  if (keys.size() == 1 && tolerated.empty()) {
    WantAnswer answer = co_await asker.one(std::move(keys.front()));
    if (!answer.ok()) co_return answer.error();
    answers[places.front()] = std::move(answer);
    co_return answers;
  }
  KILN_CO_ASSIGN(std::vector<WantAnswer> asked,
                 co_await asker.all(std::move(keys), std::move(tolerated_keys)));
  for (size_t i = 0; i < places.size(); ++i) answers[places[i]] = std::move(asked[i]);
  co_return answers;
}

// The entry's arguments. `held` keeps alive what was computed for them.
template <class Asker>
Task<Result<std::vector<Argument>>> find_arguments(Asker& asker, const Entry& entry,
                                                   const Params& own, const EffectSet& effects,
                                                   std::vector<WantAnswer>& held) {
  const std::vector<TypeId>& types = entry.rule.info.arguments;
  std::vector<const Supply*> supplies;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i]->side_effect) supplies.push_back(&entry.arguments[i]);
  }
  const std::vector<std::span<const Param>> no_inputs(supplies.size());
  KILN_CO_ASSIGN(held, co_await answer_all(asker, own, supplies, no_inputs));
  std::vector<Argument> arguments;
  size_t next = 0;
  for (const TypeId type : types) {
    Argument& argument = arguments.emplace_back();
    if (type->side_effect) {
      argument.effect = effects.find(type);
      KILN_CHECK(argument.effect != nullptr, "a goal's side effect was not provided");
    } else {
      argument.value = held[next++]->get();
    }
  }
  co_return arguments;
}

// Runs the body of a rule or a goal to its end.
template <class Asker>
Task<Result<graph::ValueRef>> run_body(Asker& asker, const Entry& entry, const Params& own,
                                       std::span<const Argument> arguments) {
  RuleBody body = entry.rule.start(arguments);
  bool saw_error = false;
  for (;;) {
    body.resume();
    if (body.done()) {
      Result<graph::ValueRef> result = body.result();
      if (!result.ok() && !saw_error) co_return asker.own(result.error());
      co_return result;
    }
    if (const Effect* effect = body.effect()) {
      KILN_CO_TRY(co_await asker.ready_for_effect());
      body.supply(co_await asker.act(*effect));
      continue;
    }
    const std::span<const Want> wants = body.wants();
    absl::InlinedVector<const Supply*, 1> supplies;
    absl::InlinedVector<std::span<const Param>, 1> inputs;
    Tolerated tolerated;
    for (const Want& want : wants) {
      const Result<const Supply*> supply = supply_for(entry, want);
      if (!supply.ok()) co_return asker.own(supply.error());
      supplies.push_back(*supply);
      inputs.emplace_back(want.inputs);
    }
    if (std::any_of(wants.begin(), wants.end(), [](const Want& want) { return want.tolerant; })) {
      for (const Want& want : wants) tolerated.push_back(want.tolerant);
    }
    // On an error the body is destroyed where it waits.
    KILN_CO_ASSIGN(std::vector<WantAnswer> answers,
                   co_await answer_all(asker, own, supplies, inputs, tolerated));
    for (const WantAnswer& answer : answers) saw_error |= !answer.ok();
    body.supply(std::move(answers));
  }
}

}  // namespace kiln::rules
