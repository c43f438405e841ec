// What there is to know of a rule graph, for people and as data.
// Threads: free functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

enum class DescribeAs : uint8_t { kText, kJson };

// All goals, queries and rules: what each returns, takes and asks for, and where it is written.
std::string list_rules(const RuleGraph& graph, DescribeAs form);

// Of one type: its fields, which rules make it, of what params, who asks for it, and what gives it
// as a param; of options how they are set; of a union its members. Of a goal: what it asks for and
// the options that reach it.
// Fails: kNotFound, with the names that come nearest.
Result<std::string> explain_type(const RuleGraph& graph, std::string_view name, DescribeAs form);

enum class DrawAs : uint8_t { kDot, kJson };

// The entries and what binds them; with a goal, those that it reaches.
// Fails: kNotFound, with the goals that come nearest.
Result<std::string> draw_rules(const RuleGraph& graph, std::optional<std::string_view> goal,
                               DrawAs form);

}  // namespace kiln::rules
