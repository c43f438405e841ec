// The built-in rules for trees of files: captures from the workspace, and operations on digests.
#pragma once

#include "daemon/intrinsics/rule_services.h"
#include "daemon/intrinsics/tree_contents.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/rule_set.h"

namespace kiln::intrinsics {

// Snapshot, Digest and Paths of PathGlobs; Digest of MergeDigests, DigestSubset, AddPrefix,
// RemovePrefix and CreateDigest; Snapshot, DigestEntries and DigestContents of a Digest. Roots:
// BuildRoot, IgnoreOptions (options). `services` outlives the rules; they run on its files and its
// store.
rules::RuleSet tree_rules(const RuleServices& services);

}  // namespace kiln::intrinsics
