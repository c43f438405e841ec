// All rules of this daemon: where backends are named.
#pragma once

#include <memory>

#include "daemon/fetch/downloads.h"
#include "daemon/intrinsics/process_rules.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::app {

// The services outlive the graph. CHECKs that the rules fit together: they are the same whenever
// kiln runs.
std::unique_ptr<const rules::RuleGraph> compile_rules(intrinsics::FileSystem& files,
                                                      const intrinsics::ProcessServices& processes,
                                                      fetch::Downloads& downloads);

}  // namespace kiln::app
