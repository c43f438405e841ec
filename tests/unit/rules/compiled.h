// Toy rules compiled, as text to compare.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/rules/compiler/bound_want.h"
#include "daemon/rules/rule_graph.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {

// "capture(PathGlobs)": the rule and what its subtree consumes.
inline std::string text_of(const Entry& entry) {
  std::string text = entry.rule.info.name + "(";
  for (size_t i = 0; i < entry.params.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(entry.params[i]->name);
  }
  return text + ")";
}

inline std::vector<std::string> entries_of(const RuleGraph& graph) {
  std::vector<std::string> texts;
  for (const auto& entry : graph.entries()) texts.push_back(text_of(*entry));
  return texts;
}

// "capture(Globs=, Options)": what satisfies a want; params that the get gives end in =.
inline std::string answer_of(const BoundWant& want) {
  const std::vector<TypeId> alone{want.product};
  const Entry* const entry = want.supply->entry;
  const std::vector<TypeId>& params = entry == nullptr ? alone : entry->params;
  std::string text;
  for (size_t i = 0; i < params.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(params[i]->name);
    if (want.supply->params[i].input) text += "=";
  }
  return entry == nullptr ? text : entry->rule.info.name + "(" + text + ")";
}

// "lint(Options, Request) <- Request, capture(Globs=, Options)": the whole graph, a line for each
// entry.
inline std::vector<std::string> bindings_of(const RuleGraph& graph) {
  std::vector<std::string> texts;
  for (const auto& entry : graph.entries()) {
    std::string answers;
    for (const BoundWant& want : wants_of(*entry)) {
      answers += (answers.empty() ? " <- " : ", ") + answer_of(want);
    }
    texts.push_back(text_of(*entry) + answers);
  }
  return texts;
}

inline std::unique_ptr<const RuleGraph> compiled(const ToyRules& rules) {
  RuleGraph::Compiled compiled = rules.compile();
  EXPECT_THAT(compiled.errors, testing::IsEmpty()) << to_text(compiled.errors);
  EXPECT_NE(compiled.graph, nullptr);
  return std::move(compiled.graph);
}

// "missing lint get<Snapshot>(Digest)"
inline std::vector<std::string> errors_of(const ToyRules& rules) {
  const RuleGraph::Compiled compiled = rules.compile();
  EXPECT_EQ(compiled.graph == nullptr, !compiled.errors.empty());
  std::vector<std::string> texts;
  for (const Diagnostic& error : compiled.errors) {
    std::string text(kind_name(error.kind));
    text += " " + error.wanted_by;
    if (!error.want.empty()) text += ": " + error.want;
    texts.push_back(text);
  }
  return texts;
}

inline const Entry* entry_of(const RuleGraph& graph, const std::string& text) {
  for (const auto& entry : graph.entries()) {
    if (text_of(*entry) == text) return entry.get();
  }
  ADD_FAILURE() << "no entry " << text;
  return nullptr;
}

}  // namespace kiln::rules
