#include "daemon/intrinsics/host/host_lookup.h"

#include <unistd.h>

#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

// Files of this size and more are read on the blocking executor.
constexpr int64_t kReadElsewhere = int64_t{1} << 20;

store::FileStat identity(const PathMetadata& metadata) {
  return {metadata.device, metadata.inode, metadata.length, metadata.mtime_ns, metadata.ctime_ns};
}

}  // namespace

Task<Result<HostLookup::Found>> HostLookup::look(const std::string& absolute_path) {
  const Workspace& host = services_.host;
  const auto resolved =
      co_await resolve_path(context_, services_.fs, host, RelPath(), absolute_path);
  if (!resolved.ok()) {
    if (resolved.error().code() != ErrorCode::kPermissionDenied) co_return resolved.error();
    co_return Found{.kind = Found::Kind::kOther, .path = absolute_path, .metadata = {}};
  }
  Found found{.path = host.absolute(resolved->target), .metadata = resolved->metadata};
  switch (resolved->kind) {
    case ResolvedPath::Kind::kDead:
    case ResolvedPath::Kind::kLoop:
    case ResolvedPath::Kind::kOutside:
      found.kind = Found::Kind::kNothing;
      break;
    case ResolvedPath::Kind::kDirectory:
      found.kind = Found::Kind::kDirectory;
      found.readable = ::access(found.path.c_str(), R_OK) == 0;
      break;
    case ResolvedPath::Kind::kOther:
      found.kind = Found::Kind::kOther;
      break;
    case ResolvedPath::Kind::kFile:
      found.kind = Found::Kind::kFile;
      // Modes and access lists are metadata: a change to them changes what was read above.
      found.executable = ::access(found.path.c_str(), X_OK) == 0;
      found.readable = ::access(found.path.c_str(), R_OK) == 0;
      break;
  }
  co_return found;
}

Task<Result<HostFilePtr>> HostLookup::read(const Found& found) {
  if (HostFilePtr known = services_.files.known(found.path, identity(found.metadata))) {
    co_return known;
  }
  const auto read = [&] { return services_.files.read(found.path); };
  if (found.metadata.length < kReadElsewhere) co_return read();
  co_return co_await run_blocking(services_.blocking, services_.home, read);
}

Task<Result<std::vector<std::string>>> HostLookup::list(const std::string& absolute_path) {
  KILN_CO_ASSIGN(const Found directory, co_await look(absolute_path));
  if (!directory.is_readable_directory()) co_return std::vector<std::string>();
  KILN_CO_ASSIGN(const RelPath path, RelPath::parse(directory.path.substr(1)));
  KILN_CO_ASSIGN(const graph::ValueRef value,
                 co_await context_.get(services_.fs.listing(services_.host, path)));
  std::vector<std::string> names;
  for (const os::DirEntry& entry : graph::value_as<DirectoryListing>(value).entries) {
    names.push_back(entry.name);
  }
  co_return names;
}

Task<Result<FileDigest>> HostLookup::installed(const Found& directory) {
  KILN_CO_ASSIGN(const std::vector<std::string> entries, co_await list(directory.path));
  for (const std::string& entry : entries) {
    if (!HostTools::is_package_entry(entry)) continue;
    // The entry as well: what replaces it has another inode.
    KILN_CO_TRY(co_await look(directory.path + "/" + entry));
    for (const std::string& file : HostTools::package_files(entry)) {
      KILN_CO_TRY(co_await look(directory.path + "/" + file));
    }
  }
  co_return co_await run_blocking(services_.blocking, services_.home,
                                  [&] { return services_.files.installed(directory.path); });
}

}  // namespace kiln::intrinsics
