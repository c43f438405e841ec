// The built-in rules for processes: FallibleProcessResult and ProcessResult of a Process,
// Environment of an EnvironmentRequest. Roots: ClientEnvironment.
#pragma once

#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/rule_services.h"
#include "daemon/rules/rule_set.h"

namespace kiln::intrinsics {

// `services` outlives the rules; they run on its processes, tools, store and router.
rules::RuleSet process_rules(const RuleServices& services);

// The process with its paths and numbers checked; the tree of its inputs is the caller's to set.
Result<exec::Process> checked(const Process& process);

}  // namespace kiln::intrinsics
