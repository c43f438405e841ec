// Trees that somebody named by digest: loaded, combined.
// Threads: thread-safe. May read the disk; quick for what the store has in memory.
#pragma once

#include <span>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// kNotFound says what to do about it.
Result<store::TreePtr> load_named(store::Store& store, const Digest& digest);
// The tree that the value carries, or the one that it names.
Result<store::TreePtr> tree_of(store::Store& store, const DirectoryDigest& digest);
// All entries of all of these trees; conflicts show the first bytes of both sides.
Result<store::TreePtr> merged(store::Store& store, std::vector<store::TreePtr> trees);

}  // namespace kiln::intrinsics
