#include "daemon/intrinsics/files/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
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

void Workspace::begin_use() const {
  state_.with([](State& state) { ++state.users; });
}

void Workspace::end_use() const {
  // Closed outside the lock: whoever reads through it still may be the last to hold it.
  const auto closed = state_.with([](State& state) {
    return --state.users == 0 ? std::exchange(state.root, nullptr) : nullptr;
  });
}

std::optional<Workspace::Identity> Workspace::identity_of(int dir_fd, const char* path, int flags) {
  struct statx stx;
  const unsigned wanted = STATX_INO | STATX_BTIME | STATX_MNT_ID;
  if (::statx(dir_fd, path, flags, wanted, &stx) != 0) return std::nullopt;
  Identity identity{.device = makedev(stx.stx_dev_major, stx.stx_dev_minor), .inode = stx.stx_ino};
  if ((stx.stx_mask & STATX_MNT_ID) != 0) identity.mount = stx.stx_mnt_id;
  if ((stx.stx_mask & STATX_BTIME) != 0) {
    identity.birth_ns = stx.stx_btime.tv_sec * 1'000'000'000 + stx.stx_btime.tv_nsec;
  }
  return identity;
}

Result<UniqueFd> Workspace::open_root() const {
  UniqueFd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return os_error(errno, "open the workspace " + printable(root_));
  return fd;
}

Result<std::shared_ptr<const UniqueFd>> Workspace::root_fd() const {
  if (auto open = state_.with([](const State& state) { return state.root; })) return open;
  KILN_ASSIGN(UniqueFd fd, open_root());
  auto opened = std::make_shared<const UniqueFd>(std::move(fd));
  state_.with([&](State& state) {
    if (state.users > 0 && state.root == nullptr) state.root = opened;
  });
  return opened;
}

Result<void> Workspace::reopen() const {
  auto fd = open_root();
  if (!fd.ok()) {
    set_missing(true);
    state_.with([](State& state) {
      state.root = nullptr;
      state.identity.reset();
    });
    return fd.error();
  }
  const auto identity = identity_of(fd->get(), "", AT_EMPTY_PATH);
  auto opened = std::make_shared<const UniqueFd>(*std::move(fd));
  set_missing(false);
  state_.with([&](State& state) {
    state.root = state.users > 0 ? opened : nullptr;
    state.identity = identity;
  });
  return {};
}

bool Workspace::in_place() const {
  const auto known = state_.with([](const State& state) { return state.identity; });
  return known.has_value() && identity_of(AT_FDCWD, root_.c_str(), 0) == known;
}

Result<void> Workspace::check() const {
  if (!in_place()) {
    const auto root = open_root();
    set_missing(!root.ok());
    if (!root.ok()) return root.error();
  }
  set_missing(false);
  return {};
}

void Workspace::set_located(std::string root) const {
  state_.with([&](State& state) { state.located = std::move(root); });
}

std::string Workspace::located(const RelPath& path) const {
  const std::string root = state_.with([](const State& state) { return state.located; });
  if (root.empty()) return absolute(path);
  if (path.is_root()) return root;
  return (root == "/" ? "" : root) + "/" + path.str();
}

void Workspace::note_untold(bool directory) const {
  untold_.fetch_add(1, std::memory_order_relaxed);
  if (directory) untold_directories_.fetch_add(1, std::memory_order_relaxed);
}

Result<WorkspaceRef> Workspaces::open(std::string_view root) {
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
  return state_.with([&](State& state) -> Result<WorkspaceRef> {
    const auto known = state.by_root.find(root);
    if (known != state.by_root.end()) return known->second;
    if (state.by_root.size() >= state.trim_at) {
      trim(state, false);
      state.trim_at = std::max(kFirstTrim, 2 * state.by_root.size());
    }
    WorkspaceRef made(new Workspace(std::string(root)));
    state.by_root.emplace(std::string(root), made);
    return made;
  });
}

void Workspaces::trim(State& state, bool keeps_found) {
  std::erase_if(state.by_root, [keeps_found](const ByRoot::value_type& known) {
    const Workspace& workspace = *known.second;
    return workspace.use_count() == 1 && !(keeps_found && workspace.is_there());
  });
}

std::vector<std::pair<WorkspaceRef, RelPath>> Workspaces::containing(
    std::string_view absolute_directory) const {
  std::vector<std::pair<WorkspaceRef, RelPath>> found;
  if (!absolute_directory.starts_with('/')) return found;
  const auto add = [&](const WorkspaceRef& workspace, std::string_view below) {
    if (below.starts_with('/')) below.remove_prefix(1);
    found.emplace_back(workspace, RelPath::from_normalized(std::string(below)));
  };
  add(host_, absolute_directory);
  state_.with([&](const State& state) {
    for (size_t end = absolute_directory.size(); end > 0;
         end = absolute_directory.rfind('/', end - 1)) {
      const auto root = state.by_root.find(absolute_directory.substr(0, end));
      if (root != state.by_root.end()) add(root->second, absolute_directory.substr(end));
      if (end == 1) return;  // that was the root of all
    }
    const auto whole = state.by_root.find("/");
    if (whole != state.by_root.end()) add(whole->second, absolute_directory);
  });
  return found;
}

std::vector<WorkspaceRef> Workspaces::all() const {
  std::vector<WorkspaceRef> workspaces;
  state_.with([&](State& state) {
    trim(state, true);
    for (const auto& [root, workspace] : state.by_root) workspaces.push_back(workspace);
  });
  std::sort(workspaces.begin(), workspaces.end(),
            [](const WorkspaceRef& a, const WorkspaceRef& b) { return a->root() < b->root(); });
  return workspaces;
}

}  // namespace kiln::intrinsics
