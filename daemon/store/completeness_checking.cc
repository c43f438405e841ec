#include "daemon/store/stores.h"
#include "daemon/store/tree_contents.h"

namespace kiln::store {

namespace {

class CompletenessChecking final : public ActionCache {
 public:
  CompletenessChecking(ActionCache& cache, BlobStore& blobs, TreeStore& trees)
      : cache_(cache), blobs_(blobs), trees_(trees) {}

  Result<std::optional<ActionResult>> get(const Digest& action) override {
    KILN_ASSIGN(std::optional<ActionResult> result, cache_.get(action));
    if (!result) return result;
    KILN_ASSIGN(const bool complete, is_complete(*result));
    if (!complete) result.reset();
    return result;
  }
  Result<void> put(const Digest& action, const ActionResult& result) override {
    return cache_.put(action, result);
  }
  Result<void> remove(const Digest& action) override { return cache_.remove(action); }

 private:
  Result<bool> is_complete(const ActionResult& result) {
    const auto tree = trees_.load(result.output_digest);
    if (!tree.ok()) {
      if (tree.error().code() == ErrorCode::kNotFound) return false;
      return tree.error();
    }
    std::vector<FileDigest> named = contents_named_by(**tree);
    named.push_back(result.stdout_digest);
    named.push_back(result.stderr_digest);
    KILN_ASSIGN(const std::vector<FileDigest> missing, blobs_.find_missing(named));
    return missing.empty();
  }

  ActionCache& cache_;
  BlobStore& blobs_;
  TreeStore& trees_;
};

}  // namespace

std::unique_ptr<ActionCache> make_completeness_checking(ActionCache& cache, BlobStore& blobs,
                                                        TreeStore& trees) {
  return std::make_unique<CompletenessChecking>(cache, blobs, trees);
}

}  // namespace kiln::store
