// Trees that somebody named by digest: loaded, combined.
// Threads: thread-safe. May read the disk, where nothing else is said.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/async/executor.h"
#include "daemon/async/task.h"
#include "daemon/intrinsics/tree_contents.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// An error says what to do about it: also that the digest is one of a file. A tree that was damaged
// is a loss (store::is_loss()).
Result<store::TreePtr> load_named(store::Store& store, const Digest& digest);
// The tree that the value carries, or the one that it names, which is loaded on `blocking`.
Task<Result<store::TreePtr>> tree_of(store::Store& store, Executor& home, Executor& blocking,
                                     const DirectoryDigest& digest);
// A tree of files that need not exist anywhere, and of files that the store holds. Not saved.
// Fails:   with kNotFound, naming them, for files that the store lacks; as store::tree_of().
Result<store::TreePtr> create_tree(store::Store& store, const CreateDigest& request);
// All entries of all of these trees; conflicts show the first bytes of both sides.
Result<store::TreePtr> merged(store::Store& store, std::vector<store::TreePtr> trees);

}  // namespace kiln::intrinsics
