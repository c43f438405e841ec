// The built-in rules for processes: FallibleProcessResult and ProcessResult of a Process,
// PreparedExecution of what `kiln exec` is given, ProcessOutcome of what is prepared, Environment
// of an EnvironmentRequest. Roots: ClientEnvironment.
#pragma once

#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/rule_services.h"
#include "daemon/rules/rule_set.h"

namespace kiln::intrinsics {

// `services` outlives the rules.
rules::RuleSet process_rules(const RuleServices& services);

}  // namespace kiln::intrinsics
