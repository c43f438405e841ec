#include "daemon/intrinsics/files/remote_lanes.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>

namespace kiln::intrinsics {

namespace {

bool is_at_or_below(std::string_view path, std::string_view point) {
  if (!path.starts_with(point)) return false;
  return path.size() == point.size() || point == "/" || path[point.size()] == '/';
}

// In front of what was still to go.
void prepend(std::deque<std::string>& rest, std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

std::optional<std::string> link_target(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  if (n < 0) return std::nullopt;
  return std::string(target.data(), static_cast<size_t>(n));
}

}  // namespace

RemoteLanes::RemoteLanes() {
  MutexLock lock(mutex_);
  if (auto opened = os::Mounts::open(); opened.ok()) mounts_ = *std::move(opened);
}

void RemoteLanes::refresh(const Workspace& workspace) {
  MutexLock lock(mutex_);
  if (mounts_ && mounts_->changed()) read_mounts();
  if (!remotes_.empty()) workspace.set_located(located(workspace.root()));
}

void RemoteLanes::read_mounts() {
  const auto mounts = mounts_->read();
  if (!mounts.ok()) return;
  std::map<std::string_view, const os::Mount*> top;  // of those at one point the last counts
  for (const os::Mount& mount : *mounts) top[mount.point] = &mount;
  std::vector<Remote> remotes;
  std::array<size_t, kLanes> used{};
  for (const auto& [point, mount] : top) {
    if (!os::is_served_elsewhere(mount->type)) continue;
    const auto known = std::find_if(remotes_.begin(), remotes_.end(), [&](const Remote& remote) {
      return remote.mount == *mount && remote.lane != kLocal;
    });
    remotes.push_back({*mount, known == remotes_.end() ? kLanes : known->lane});
    if (known != remotes_.end()) ++used[known->lane];
  }
  for (Remote& remote : remotes) {
    if (remote.lane != kLanes) continue;
    remote.lane = static_cast<size_t>(std::min_element(used.begin(), used.end()) - used.begin());
    ++used[remote.lane];
  }
  std::vector<Remote> local;
  for (const auto& [point, mount] : top) {
    const bool below = std::any_of(remotes.begin(), remotes.end(), [&](const Remote& remote) {
      return is_at_or_below(point, remote.mount.point) && point != remote.mount.point;
    });
    if (below && !os::is_served_elsewhere(mount->type)) local.push_back({*mount, kLocal});
  }
  remotes.insert(remotes.end(), local.begin(), local.end());
  remotes_ = std::move(remotes);
  any_.store(!remotes_.empty());
}

const RemoteLanes::Remote* RemoteLanes::find(std::string_view path) const {
  const Remote* found = nullptr;
  for (const Remote& remote : remotes_) {
    if (!is_at_or_below(path, remote.mount.point)) continue;
    if (found == nullptr || found->mount.point.size() < remote.mount.point.size()) found = &remote;
  }
  return found == nullptr || found->lane == kLocal ? nullptr : found;
}

std::string RemoteLanes::located(std::string_view path) const {
  constexpr int kMaxLinks = 40;
  std::deque<std::string> rest;
  prepend(rest, path);
  std::string real;
  for (int links = 0; !rest.empty();) {
    const std::string part = std::move(rest.front());
    rest.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      real.resize(real.empty() ? 0 : real.rfind('/'));
      continue;
    }
    const std::string next = real + "/" + part;
    const bool remote = find(next) != nullptr;  // from here on nothing is looked at
    std::optional<std::string> target;
    if (!remote && links < kMaxLinks) target = link_target(next);
    if (!target) {
      real = next;
      if (!remote) continue;
      for (const std::string& left : rest) real += "/" + left;
      return real;
    }
    ++links;
    if (target->starts_with('/')) real.clear();
    prepend(rest, *target);
  }
  return real.empty() ? "/" : real;
}

Executor* RemoteLanes::of(const std::string& located) {
  MutexLock lock(mutex_);
  const Remote* remote = find(located);
  if (remote == nullptr) return nullptr;
  std::unique_ptr<ThreadPool>& lane = lanes_[remote->lane];
  if (lane == nullptr) lane = std::make_unique<ThreadPool>("kiln-remote", kThreads);
  return lane.get();
}

std::string RemoteLanes::describe(const Workspace& workspace) {
  MutexLock lock(mutex_);
  const Remote* remote = find(workspace.located(RelPath()));
  if (remote == nullptr) return printable(workspace.root());
  return remote->mount.type + " " + printable(remote->mount.source) + ", mounted at " +
         printable(remote->mount.point);
}

}  // namespace kiln::intrinsics
