#include "daemon/intrinsics/host_tools.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "common/base/file.h"
#include "common/types/hash.h"

namespace kiln::intrinsics {

namespace {

store::FileStat identity(const struct stat& st) {
  const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return {st.st_dev, st.st_ino, st.st_size, ns(st.st_mtim), ns(st.st_ctim)};
}

}  // namespace

Result<FileDigest> HostTools::digest(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return os_error(errno, "look at " + path);
  const store::FileStat now = identity(st);
  const auto known = known_.with([&](const auto& map) -> std::optional<FileDigest> {
    const auto it = map.find(path);
    if (it == map.end() || !(it->second.stat == now)) return std::nullopt;
    return it->second.digest;
  });
  if (known) return *known;

  KILN_ASSIGN(const UniqueFd fd, open_file(path, O_RDONLY));
  Sha256Hasher hasher;
  std::vector<char> buffer(size_t{256} << 10);
  for (;;) {
    KILN_ASSIGN(const size_t n, read_some(fd.get(), buffer, path));
    if (n == 0) break;
    hasher.update({buffer.data(), n});
  }
  const FileDigest digest = hasher.finish();
  known_.with([&](auto& map) { map.insert_or_assign(path, Known{now, digest}); });
  return digest;
}

}  // namespace kiln::intrinsics
