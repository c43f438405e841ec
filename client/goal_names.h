// What a daemon's rules add to the words that a person can type: goals, and the scopes of their
// options. The client knows none of them by itself, except the goals that come with kiln.
// Threads: stateless. Blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/session.h"
#include "common/base/result.h"

namespace kiln {

struct GoalName {
  std::string name;
  std::string summary;  // one sentence
};
using ScopeName = GoalName;

struct RuleNames {
  std::vector<GoalName> goals;
  std::vector<ScopeName> scopes;

  const GoalName* find_goal(std::string_view name) const;
  const ScopeName* find_scope(std::string_view name) const;
};

// Of the daemon of this session, which is started if there is none.
Result<RuleNames> ask_rule_names(Session& session);

// Of the daemon that runs; else of the program that would be it, which opens nothing and leaves
// nothing behind: a word that was mistyped starts no daemon.
Result<RuleNames> find_rule_names(const DaemonPaths& paths, Interrupt& interrupt);

}  // namespace kiln
