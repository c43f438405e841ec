#include "daemon/intrinsics/standing_files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "common/base/unique_fd.h"

namespace kiln::intrinsics {

namespace {

std::string path_of(int fd) {
  std::array<char, PATH_MAX> buffer;
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(self.c_str(), buffer.data(), buffer.size());
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(size));
}

}  // namespace

bool StandingFiles::holds(const RelPath& path, const store::File& file, const os::Stat& there) {
  if (there.kind != os::FileKind::kFile || there.size != file.digest.size ||
      there.executable() != file.executable) {
    return false;
  }
  const std::string absolute = workspace_.absolute(path);
  if (const auto known = ingest_.known(absolute, there)) return *known == file;
  const auto read = ingest_.read(root_fd_, path, absolute, {});
  return read.ok() && read->file == file;
}

std::optional<RelPath> StandingFiles::target_of(const RelPath& link) const {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const UniqueFd fd(
      static_cast<int>(::syscall(SYS_openat2, root_fd_, link.str().c_str(), &how, sizeof how)));
  if (!fd.valid()) return std::nullopt;
  // The kernel's own name for the file: without symlinks.
  const std::string root = path_of(root_fd_);
  const std::string target = path_of(fd.get());
  const std::string before = root == "/" ? root : root + "/";
  if (root.empty() || !target.starts_with(before)) return std::nullopt;
  const auto path = RelPath::parse(std::string_view(target).substr(before.size()));
  if (!path.ok()) return std::nullopt;
  return *path;
}

}  // namespace kiln::intrinsics
