#include "daemon/session/digest_operations.h"

#include "daemon/intrinsics/trees.h"

namespace kiln::session {

Result<store::TreePtr> merged(store::Store& store, std::span<const Digest> digests,
                              std::vector<store::TreePtr> trees) {
  for (const Digest& digest : digests) {
    KILN_ASSIGN(store::TreePtr tree, intrinsics::load_named(store, digest));
    trees.push_back(std::move(tree));
  }
  return intrinsics::merged(store, std::move(trees));
}

Task<Result<uint64_t>> write_tree(const Engine& engine, const Run& run, store::TreePtr tree,
                                  RelPath prefix, intrinsics::WriteTerms terms) {
  if (run.workspace() == nullptr) {
    co_return user_error(ErrorCode::kInvalidArgument, "writing needs a workspace root");
  }
  Executor* lane = engine.files.lane_of(*run.workspace());
  Executor& where = lane == nullptr ? engine.blocking : *lane;
  Result<uint64_t> written = co_await run_blocking(where, engine.home, [&] {
    terms.umask = run.umask();
    return engine.writer.write(*run.workspace(), tree, prefix, terms);
  });
  engine.files.watcher().synchronize();
  co_return written;
}

}  // namespace kiln::session
