#include "daemon/rules/compiler/linker.h"

#include <algorithm>

#include "common/base/check.h"

namespace kiln::rules {

void Linker::link() {
  for (const IndexedRoot& root : index_.roots()) link_root(root);
  while (!unbound_.empty()) {
    const auto [entry, application] = unbound_.back();
    unbound_.pop_back();
    bind(*entry, solver_.at(application));
  }
}

void Linker::link_root(const IndexedRoot& indexed) {
  Root root;
  root.query = indexed.query;
  root.scope = indexed.scope;
  const std::vector<TypeId> none;
  const Given given{&root.scope, &none};
  if (indexed.query != nullptr) {
    root.name = to_string(*indexed.query).substr(std::string_view("query ").size());
    const ChoiceId choice = solver_.choice(indexed.ask, indexed.params);
    root.supply = supply(solver_.choice_at(choice), given);
    graph_.queries_.push_back(std::move(root));
    return;
  }
  root.name = index_.rule(indexed.goal).info().name;
  root.supply.entry = entry(solver_.application(indexed.goal, indexed.params));
  for (const TypeId type : root.supply.entry->params) {
    root.supply.params.push_back(from(type, given));
  }
  graph_.goals_.push_back(std::move(root));
}

const Entry* Linker::entry(ApplicationId id) {
  const Application& application = solver_.at(id);
  Entry*& entry = entries_[{application.rule, application.uses}];
  if (entry == nullptr) {
    graph_.entries_.push_back(std::make_unique<Entry>(*index_.rule(application.rule).definition,
                                                      index_.types(application.uses)));
    entry = graph_.entries_.back().get();
    unbound_.emplace_back(entry, id);
  }
  return entry;
}

void Linker::bind(Entry& entry, const Application& application) {
  const RuleInfo& info = entry.rule.info;
  const std::vector<Slot>& slots = index_.rule(application.rule).slots;
  entry.arguments.resize(info.arguments.size());
  entry.gets.resize(info.gets.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    const Choice& choice = solver_.choice_at(application.choices[i]);
    std::vector<TypeId> inputs;
    if (slot.member != nullptr) {
      inputs = {slot.member};
    } else if (slot.is_get) {
      inputs = info.gets[slot.index].inputs;
    }
    Supply found = supply(choice, {&inputs, &entry.params});
    if (slot.is_get) {
      entry.gets[slot.index].cases.push_back({slot.member, std::move(found)});
    } else {
      entry.arguments[slot.index] = std::move(found);
    }
  }
}

Supply Linker::supply(const Choice& choice, const Given& given) {
  const auto answer = std::find_if(choice.candidates.begin(), choice.candidates.end(),
                                   [](const Candidate& candidate) { return candidate.alive; });
  KILN_CHECK(answer != choice.candidates.end(), "linked what the solver found dead");
  Supply supply;
  if (!answer->application) {
    supply.params.push_back(from(index_.ask(choice.ask).product, given));
    return supply;
  }
  supply.entry = entry(*answer->application);
  for (const TypeId type : supply.entry->params) supply.params.push_back(from(type, given));
  return supply;
}

Supply::From Linker::from(TypeId type, const Given& given) {
  const auto index_in = [&](const std::vector<TypeId>& types) {
    return static_cast<size_t>(std::find(types.begin(), types.end(), type) - types.begin());
  };
  const size_t input = index_in(*given.inputs);
  if (input < given.inputs->size()) return {true, static_cast<uint32_t>(input)};
  const size_t own = index_in(*given.own);
  KILN_CHECK(own < given.own->size(), "an entry lacks a param that something below it consumes");
  return {false, static_cast<uint32_t>(own)};
}

}  // namespace kiln::rules
