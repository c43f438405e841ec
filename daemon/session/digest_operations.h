// Operations on digests that callers name: loaded from the store, combined, saved back.
#pragma once

#include <span>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/async/task.h"
#include "daemon/intrinsics/trees.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"
#include "daemon/store/tree.h"

namespace kiln::session {

using intrinsics::load_named;

// All entries of all of these trees; conflicts show the first bytes of both sides.
Result<store::TreePtr> merged(store::Store& store, std::span<const Digest> digests,
                              std::vector<store::TreePtr> trees);

// The tree into the run's workspace below `prefix`, with the umask of the run's caller. What it
// wrote is invalidated when it returns.
Task<Result<uint64_t>> write_tree(const Engine& engine, const Run& run, store::TreePtr tree,
                                  RelPath prefix, intrinsics::WriteTerms terms = {});

}  // namespace kiln::session
