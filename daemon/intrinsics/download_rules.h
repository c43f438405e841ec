// The built-in rules for files from elsewhere.
#pragma once

#include "daemon/fetch/downloads.h"
#include "daemon/intrinsics/download_values.h"
#include "daemon/rules/rule_set.h"

namespace kiln::intrinsics {

// Digest and Snapshot of a DownloadFile: what was downloaded once holds for ever, a failure for
// nobody who asks later. Needs tree_rules(). `downloads` outlives the rules.
rules::RuleSet download_rules(fetch::Downloads& downloads);

}  // namespace kiln::intrinsics
