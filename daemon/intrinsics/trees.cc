#include "daemon/intrinsics/trees.h"

#include "daemon/store/tree_ops.h"

namespace kiln::intrinsics {

namespace {
constexpr int64_t kPeekLimit = int64_t{1} << 20;  // larger files are described by digest alone
}  // namespace

Result<store::TreePtr> load_named(store::Store& store, const Digest& digest) {
  auto tree = store.trees().load(digest);
  if (tree.ok() || tree.error().code() != ErrorCode::kNotFound) return tree;
  return user_error(ErrorCode::kNotFound, "the store does not hold the tree " + to_string(digest) +
                                              ", or not all of it; capture or create it again");
}

Task<Result<store::TreePtr>> tree_of(store::Store& store, Executor& home, Executor& blocking,
                                     const DirectoryDigest& digest) {
  if (digest.tree != nullptr) co_return digest.tree;
  co_return co_await run_blocking(blocking, home, [&] { return load_named(store, digest.digest); });
}

Result<store::TreePtr> merged(store::Store& store, std::vector<store::TreePtr> trees) {
  if (trees.size() == 1) return std::move(trees.front());
  return store::merge(trees, [&](const FileDigest& digest) -> std::optional<std::string> {
    if (digest.size > kPeekLimit) return std::nullopt;
    auto content = store.blobs().get(digest);
    if (!content.ok()) return std::nullopt;
    return *std::move(content);
  });
}

}  // namespace kiln::intrinsics
