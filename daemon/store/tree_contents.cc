#include "daemon/store/tree_contents.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

namespace kiln::store {

std::vector<FileDigest> contents_named_by(const Tree& tree) {
  std::vector<FileDigest> named;
  absl::flat_hash_set<Digest> seen;
  std::vector<const Tree*> open = {&tree};
  while (!open.empty()) {
    const Tree* const next = open.back();
    open.pop_back();
    for (const Entry& entry : next->entries()) {
      if (const auto* file = std::get_if<File>(&entry.node)) {
        named.push_back(file->digest);
      } else if (const auto* below = std::get_if<TreePtr>(&entry.node)) {
        if (seen.insert((*below)->digest()).second) open.push_back(below->get());
      }
    }
  }
  std::ranges::sort(named);
  const auto repeated = std::ranges::unique(named);
  named.erase(repeated.begin(), repeated.end());
  return named;
}

Result<size_t> find_losses(BlobStore& blobs, const Tree& tree, const std::stop_token& stop) {
  size_t lost = 0;
  for (const FileDigest& digest : contents_named_by(tree)) {
    if (stop.stop_requested()) {
      return user_error(ErrorCode::kCancelled, "looking for lost content was cancelled");
    }
    const auto opened = blobs.reader(digest);  // hashes it, if nobody did since the start
    if (opened.ok()) continue;
    if (!is_loss(opened.error())) return opened.error();
    ++lost;
  }
  return lost;
}

}  // namespace kiln::store
