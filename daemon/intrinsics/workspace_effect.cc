#include "daemon/intrinsics/workspace_effect.h"

#include <utility>

#include "daemon/intrinsics/trees.h"

namespace kiln::intrinsics {

rules::Effect WorkspaceEffect::write_digest(DirectoryDigest digest, RelPath prefix) {
  return {[this, digest = std::move(digest), prefix = std::move(prefix)] {
    return write(digest, prefix);
  }};
}

Task<Result<void>> WorkspaceEffect::write(DirectoryDigest digest, RelPath prefix) const {
  KILN_CO_ASSIGN(const store::TreePtr tree,
                 co_await tree_of(services_.store, services_.home, services_.blocking, digest));
  const Result<uint64_t> written = co_await run_blocking(services_.blocking, services_.home, [&] {
    return services_.writer.write(services_.workspace, tree, prefix);
  });
  services_.synchronize();
  if (!written.ok()) co_return written.error();
  co_return Result<void>();
}

}  // namespace kiln::intrinsics
