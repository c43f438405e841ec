// The built-in rules for processes: FallibleProcessResult and ProcessResult of a Process,
// Environment of an EnvironmentRequest. Roots: ClientEnvironment.
#pragma once

#include "daemon/intrinsics/file_system.h"
#include "daemon/intrinsics/host_tool_function.h"
#include "daemon/intrinsics/process_function.h"
#include "daemon/intrinsics/process_values.h"
#include "daemon/rules/rule_set.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// All outlive the rules.
struct ProcessServices {
  ProcessFunction& processes;
  HostToolFunction& tools;
  store::Store& store;
  ChangeRouter& router;
};
rules::RuleSet process_rules(const ProcessServices& services);

// The process with its paths and numbers checked; the tree of its inputs is the caller's to set.
Result<exec::Process> checked(const Process& process);

}  // namespace kiln::intrinsics
