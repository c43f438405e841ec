// Rules as they are written for people and as data, wherever they are listed.
// Threads: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

// Lines for a file or a terminal; of text that is no UTF-8, what can be shown.
std::string dumped(const nlohmann::ordered_json& json);
nlohmann::ordered_json names_of(const std::vector<TypeId>& types);
nlohmann::ordered_json as_json(const RuleInfo& info);

// "  fs.cc:40, built in, runs once in every run"
std::string remarks(const RuleInfo& info);
// "goal lint", where it stands among rules; without its namespace, as where it is written stands
// beside it.
std::string titled_name(const RuleInfo& info);
// "capture(PathGlobs, BuildRoot)": what it takes.
std::string signature(const RuleInfo& info);
// "capture(PathGlobs)": the rule and what the entry consumes.
std::string bare_text(const Entry& entry);

// Each rule once, though the set may have been added twice; in the order of products, then names.
std::vector<const RuleInfo*> sorted_rules(const RuleGraph& graph);

}  // namespace kiln::rules
