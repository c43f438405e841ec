#include "daemon/intrinsics/workspace_effect.h"

#include <ctime>
#include <utility>

#include "daemon/intrinsics/trees.h"

namespace kiln::intrinsics {

namespace {

int64_t realtime_now() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

rules::Effect WorkspaceEffect::write_digest(DirectoryDigest digest, RelPath prefix) {
  // Before what the goal read is looked at for the last time: an edit that comes later is newer.
  // After the first write nothing is looked at again, so later writes keep its time.
  // The clock is never behind the one of file times, so nothing that was there looks edited; what
  // is edited within one tick of that one (4 ms) may look untouched.
  if (!has_written_) unchanged_since_ = realtime_now();
  return {[this, digest = std::move(digest), prefix = std::move(prefix)] {
    return write(digest, prefix);
  }};
}

Task<Result<void>> WorkspaceEffect::write(DirectoryDigest digest, RelPath prefix) {
  KILN_CO_ASSIGN(const store::TreePtr tree,
                 co_await tree_of(services_.store, services_.home, services_.blocking, digest));
  has_written_ = true;
  const Result<uint64_t> written = co_await run_blocking(services_.blocking, services_.home, [&] {
    return services_.writer.write(
        services_.workspace, tree, prefix,
        {.unchanged_since = unchanged_since_, .own = &own_, .umask = services_.umask});
  });
  services_.synchronize();
  if (!written.ok()) co_return written.error();
  co_return Result<void>();
}

}  // namespace kiln::intrinsics
