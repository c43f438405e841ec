// The built-in rules for processes: FallibleProcessResult and ProcessResult of a Process,
// PreparedExecution of what `kiln exec` is given, ProcessOutcome of what is prepared, Environment
// of an EnvironmentRequest. Roots: ClientEnvironment.
#pragma once

#include "daemon/exec/runner.h"
#include "daemon/intrinsics/file_system.h"
#include "daemon/intrinsics/host_tool_function.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/process_values.h"
#include "daemon/rules/rule_set.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// All outlive the rules.
struct ProcessServices {
  exec::ProcessRunner& runner;
  OutputHub& outputs;
  HostToolFunction& tools;
  store::Store& store;
  ChangeRouter& router;
};
rules::RuleSet process_rules(const ProcessServices& services);

}  // namespace kiln::intrinsics
