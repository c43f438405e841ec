// The contents that a tree names, each once: what has to be in the store for the tree to be of use.
//
// What:    each directory is looked at once, however often it stands in the tree.
// Threads: thread-safe.
#pragma once

#include <stop_token>
#include <vector>

#include "common/base/result.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::store {

// Sorted.
std::vector<FileDigest> contents_named_by(const Tree& tree);

// Reads every content that the tree names as far as it takes to know that it is sound. What is
// damaged is dropped by that, so that everybody who asks afterwards knows what is missing: one loss
// that was found by chance is a reason to look for all others. How many were lost. Blocking.
// Fails:   with other trouble than loss, or kCancelled.
Result<size_t> find_losses(BlobStore& blobs, const Tree& tree, const std::stop_token& stop);

}  // namespace kiln::store
