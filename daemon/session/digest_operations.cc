#include "daemon/session/digest_operations.h"

#include "daemon/store/tree_ops.h"

namespace kiln::session {

namespace {
constexpr int64_t kPeekLimit = int64_t{1} << 20;  // larger files are described by digest alone
}  // namespace

Result<store::TreePtr> load_named(store::Store& store, const Digest& digest) {
  auto tree = store.trees().load(digest);
  if (tree.ok() || tree.error().code() != ErrorCode::kNotFound) return tree;
  return user_error(ErrorCode::kNotFound, "the store does not hold the tree " + to_string(digest) +
                                              ", or not all of it; capture or create it again");
}

Result<store::TreePtr> merged(store::Store& store, std::span<const Digest> digests,
                              std::vector<store::TreePtr> trees) {
  for (const Digest& digest : digests) {
    KILN_ASSIGN(store::TreePtr tree, load_named(store, digest));
    trees.push_back(std::move(tree));
  }
  if (trees.size() == 1) return trees.front();
  return store::merge(trees, [&](const FileDigest& digest) -> std::optional<std::string> {
    if (digest.size > kPeekLimit) return std::nullopt;
    auto content = store.blobs().get(digest);
    if (!content.ok()) return std::nullopt;
    return *std::move(content);
  });
}

Task<Result<uint64_t>> write_tree(const Engine& engine, const Run& run, store::TreePtr tree,
                                  RelPath prefix) {
  if (run.workspace() == nullptr) {
    co_return user_error(ErrorCode::kInvalidArgument, "writing needs a workspace root");
  }
  Result<uint64_t> written = co_await run_blocking(engine.blocking, engine.home, [&] {
    return engine.writer.write(*run.workspace(), tree, prefix);
  });
  engine.files.watcher().synchronize();
  co_return written;
}

}  // namespace kiln::session
