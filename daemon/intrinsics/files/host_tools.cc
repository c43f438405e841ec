#include "daemon/intrinsics/files/host_tools.h"

#include <fcntl.h>

#include <chrono>
#include <vector>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/intrinsics/files/stat_identity.h"

namespace kiln::intrinsics {

std::optional<FileDigest> HostTools::known(const std::string& path,
                                           const store::FileStat& stat) const {
  return known_.with([&](const auto& map) -> std::optional<FileDigest> {
    const auto it = map.find(path);
    if (it == map.end() || !(it->second.stat == stat)) return std::nullopt;
    return it->second.digest;
  });
}

Result<FileDigest> HostTools::digest(const std::string& path) {
  // O_NONBLOCK: a fifo of that name must not hang us.
  KILN_ASSIGN(const UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  const auto moment = std::chrono::system_clock::now();
  KILN_ASSIGN(const os::Stat before, os::stat_fd(fd.get()));
  if (auto digest = known(path, identity(before))) return *digest;

  Sha256Hasher hasher;
  std::vector<char> buffer(size_t{256} << 10);
  for (;;) {
    KILN_ASSIGN(const size_t n, read_some(fd.get(), buffer, path));
    if (n == 0) break;
    hasher.update({buffer.data(), n});
  }
  const FileDigest digest = hasher.finish();
  counters_.tools_hashed.add();
  KILN_ASSIGN(const os::Stat after, os::stat_fd(fd.get()));
  if (identity(before) == identity(after) && settled(after, moment)) {
    known_.with([&](auto& map) { map.insert_or_assign(path, Known{identity(after), digest}); });
  }
  return digest;
}

}  // namespace kiln::intrinsics
