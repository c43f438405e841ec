#include "daemon/intrinsics/files/watch_function.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "daemon/intrinsics/files/path_nodes.h"

namespace kiln::intrinsics {

std::string WatchFunction::describe(const graph::Value& value) const {
  const auto& [workspace, path] = input_of(value);
  return "watch directory " + workspace->describe(path);
}

Task<Result<graph::Computed>> WatchFunction::compute(graph::Context& context,
                                                     const graph::Value& value) const {
  const auto& [workspace, path] = input_of(value);
  DirectoryWatch parent;
  // A parent that is replaced replaces its children.
  if (!path.is_root()) {
    KILN_CO_ASSIGN(const graph::ValueRef above,
                   co_await context.get(path_key(*this, kWatch, *workspace, path.parent())));
    parent = graph::value_as<DirectoryWatch>(above);
  }
  const auto look = [&] { return place(*workspace, path, parent); };
  std::optional<Result<DirectoryWatch>> placed;
  if (Executor* lane = lanes_.of(*workspace, path)) {
    placed = co_await run_blocking(*lane, services_.home, look);
  } else {
    placed = look();
  }
  if (!placed->ok()) co_return placed->error();
  DirectoryWatch result = **placed;
  if (!result.watch.active) {
    workspace->note_untold(true);
    KILN_CO_ASSIGN(const graph::ValueRef polls,
                   co_await context.get(services_.router.polls(context)));
    result.polls = graph::value_as<uint64_t>(polls);
  }
  co_return graph::Computed{graph::make_value(result), validity_under(result)};
}

Result<DirectoryWatch> WatchFunction::place(const Workspace& workspace, const RelPath& path,
                                            const DirectoryWatch& parent) const {
  if (path.is_root()) KILN_TRY(workspace.reopen());
  DirectoryWatch result;
  result.overflow = services_.router.overflows().load();
  if (parent.exists) {
    const std::string absolute = workspace.absolute(path);
    const auto watch = services_.watcher.watch(absolute);
    services_.counters.directories_watched.add();
    if (watch.ok()) {
      result.watch = *watch;
      result.readable = ::faccessat(AT_FDCWD, absolute.c_str(), R_OK, AT_EACCESS) == 0;
      result.searchable = ::faccessat(AT_FDCWD, absolute.c_str(), X_OK, AT_EACCESS) == 0;
      return result;
    }
    const ErrorCode code = watch.error().code();
    const bool absent = code == ErrorCode::kNotFound || code == ErrorCode::kFailedPrecondition;
    if (path.is_root() || !absent) return watch.error();
  }
  result.exists = false;
  result.watch.active = parent.watch.active;
  return result;
}

}  // namespace kiln::intrinsics
