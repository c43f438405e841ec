// Trees that somebody named by digest: loaded, combined.
// Threads: thread-safe. May read the disk, where nothing else is said.
#pragma once

#include <span>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/async/executor.h"
#include "daemon/async/task.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// kNotFound says what to do about it.
Result<store::TreePtr> load_named(store::Store& store, const Digest& digest);
// The tree that the value carries, or the one that it names, which is loaded on `blocking`.
Task<Result<store::TreePtr>> tree_of(store::Store& store, Executor& home, Executor& blocking,
                                     const DirectoryDigest& digest);
// All entries of all of these trees; conflicts show the first bytes of both sides.
Result<store::TreePtr> merged(store::Store& store, std::vector<store::TreePtr> trees);

}  // namespace kiln::intrinsics
