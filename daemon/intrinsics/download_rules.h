// The built-in rules for files from elsewhere.
#pragma once

#include "daemon/intrinsics/download_values.h"
#include "daemon/intrinsics/rule_services.h"
#include "daemon/rules/rule_set.h"

namespace kiln::intrinsics {

// Digest and Snapshot of a DownloadFile: what was downloaded once holds for ever, a failure for
// nobody who asks later. Needs tree_rules(). `services` outlives the rules.
rules::RuleSet download_rules(const RuleServices& services);

}  // namespace kiln::intrinsics
