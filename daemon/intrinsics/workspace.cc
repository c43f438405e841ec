#include "daemon/intrinsics/workspace.h"

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
  auto fd = fd_.with([](const auto& current) { return current; });
  if (fd != nullptr) return fd;
  KILN_TRY(reopen());
  return fd_.with([](const auto& current) { return current; });
}

Result<void> Workspace::reopen() const {
  UniqueFd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    const int error = errno;
    fd_.with([](auto& current) { current = nullptr; });
    return os_error(error, "open the workspace " + root_);
  }
  fd_.with([&](auto& current) { current = std::make_shared<const UniqueFd>(std::move(fd)); });
  return {};
}

bool Workspace::in_place() const {
  const auto fd = fd_.with([](const auto& current) { return current; });
  if (fd == nullptr) return false;
  struct stat opened;
  struct stat there;
  return ::fstat(fd->get(), &opened) == 0 && ::stat(root_.c_str(), &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
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
