#include "daemon/intrinsics/files/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace kiln::intrinsics {

std::string Workspace::absolute(const RelPath& path) const {
  if (path.is_root()) return root_;
  return (is_whole() ? "" : root_) + "/" + path.str();
}

std::string Workspace::describe(const RelPath& path) const {
  if (is_whole()) return printable(absolute(path));
  return path.is_root() ? root_ : printable(path.str()) + " in " + root_;
}

Result<std::shared_ptr<const UniqueFd>> Workspace::root_fd() const {
  const auto now = [this] { return opened_.with([](const auto& current) { return current; }); };
  auto opened = now();
  if (opened == nullptr) {
    KILN_TRY(reopen());
    opened = now();
  }
  const UniqueFd* fd = opened == nullptr ? nullptr : &opened->fd;
  return std::shared_ptr<const UniqueFd>(std::move(opened), fd);
}

Result<void> Workspace::reopen() const {
  UniqueFd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat there;
  if (!fd.valid() || ::fstat(fd.get(), &there) != 0) {
    const int error = errno;
    opened_.with([](auto& current) { current = nullptr; });
    return os_error(error, "open the workspace " + root_);
  }
  opened_.with([&](auto& current) {
    current = std::make_shared<const Opened>(std::move(fd), there.st_dev, there.st_ino);
  });
  return {};
}

bool Workspace::in_place() const {
  const auto opened = opened_.with([](const auto& current) { return current; });
  struct stat there;
  return opened != nullptr && ::stat(root_.c_str(), &there) == 0 &&
         there.st_dev == opened->device && there.st_ino == opened->inode;
}

Result<const Workspace*> Workspaces::open(std::string_view root) {
  if (root.empty() || root.front() != '/') {
    return user_error(ErrorCode::kInvalidArgument,
                      "workspace root '" + printable(root) +
                          "' is not an absolute path; a request names its workspace by one");
  }
  if (root.find('\0') != std::string_view::npos) {
    return user_error(ErrorCode::kInvalidArgument,
                      "workspace root '" + printable(root) + "' contains a NUL byte");
  }
  while (root.size() > 1 && root.back() == '/') root.remove_suffix(1);
  return by_root_.with([&](auto& by_root) -> Result<const Workspace*> {
    auto it = by_root.find(root);
    if (it == by_root.end()) {
      it = by_root.emplace(std::string(root), std::make_unique<Workspace>(std::string(root))).first;
    }
    return it->second.get();
  });
}

std::vector<std::pair<const Workspace*, RelPath>> Workspaces::containing(
    std::string_view absolute_directory) const {
  std::vector<std::pair<const Workspace*, RelPath>> found;
  const auto add_if_within = [&](const Workspace& workspace) {
    const std::string& root = workspace.root();
    if (!absolute_directory.starts_with(root)) return;
    std::string_view below = absolute_directory.substr(root.size());
    if (!workspace.is_whole() && !below.empty() && below.front() != '/') return;
    if (!below.empty() && below.front() == '/') below.remove_prefix(1);
    found.emplace_back(&workspace, RelPath::from_normalized(std::string(below)));
  };
  add_if_within(host_);
  by_root_.with([&](const auto& by_root) {
    for (const auto& [root, workspace] : by_root) add_if_within(*workspace);
  });
  return found;
}

std::vector<const Workspace*> Workspaces::all() const {
  return by_root_.with([](const auto& by_root) {
    std::vector<const Workspace*> workspaces;
    workspaces.reserve(by_root.size());
    for (const auto& [root, workspace] : by_root) workspaces.push_back(workspace.get());
    return workspaces;
  });
}

}  // namespace kiln::intrinsics
