// All rules of this daemon: where backends are named.
#pragma once

#include <memory>

#include "daemon/intrinsics/rule_services.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::app {

// The rules that kiln comes with and those of `plugins`, compiled. Nothing is opened for it.
struct DaemonRules {
  // What the built-in rules stand on; the Daemon fills it in.
  std::unique_ptr<intrinsics::RuleServices> services;
  rules::RuleGraph::Compiled compiled;
};
DaemonRules compile_rules(rules::RuleSet plugins = {});

}  // namespace kiln::app
