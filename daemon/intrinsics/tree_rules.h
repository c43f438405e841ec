// The built-in rules for trees of files: captures from the workspace, and operations on digests.
#pragma once

#include "daemon/intrinsics/file_system.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/rule_set.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// Snapshot, Digest and Paths of PathGlobs; Digest of MergeDigests, DigestSubset, AddPrefix,
// RemovePrefix and CreateDigest; Snapshot, DigestEntries and DigestContents of a Digest. Roots:
// BuildRoot, IgnoreOptions. `files` and `store` outlive the rules.
rules::RuleSet tree_rules(FileSystem& files, store::Store& store);

}  // namespace kiln::intrinsics
