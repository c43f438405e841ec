#include "common/ipc/mount_view.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "common/types/rel_path.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

namespace {

// Where processes find their programs, libraries and settings.
constexpr auto kSystemDirectories = std::to_array<std::string_view>(
    {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"});

// One line of mountinfo.
struct MountLine {
  std::string_view id;
  std::string_view parent;
  std::string_view device;  // "major:minor"
  std::string root;         // the directory of the file system that is mounted
  std::string path;
};

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

std::vector<MountLine> parse(std::string_view mountinfo) {
  std::vector<MountLine> mounts;
  while (!mountinfo.empty()) {
    std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(mountinfo.size(), line.size() + 1));
    MountLine mount;
    mount.id = next_word(line);
    mount.parent = next_word(line);
    mount.device = next_word(line);
    mount.root = unescaped(next_word(line));
    mount.path = unescaped(next_word(line));
    if (!mount.path.empty()) mounts.push_back(std::move(mount));
  }
  return mounts;
}

// The path below `directory`, with its slash: "" for the directory itself.
std::optional<std::string_view> below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path == "/" ? std::string_view() : path;
  if (!path.starts_with(directory)) return std::nullopt;
  path.remove_prefix(directory.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  return path;
}

// Whether the mount shows the same files as its parent does at this place.
bool shows_the_same(const MountLine& mount, const MountLine& parent) {
  const auto place = below(mount.path, parent.path);
  if (!place || mount.device != parent.device) return false;
  const std::string base = parent.root == "/" ? "" : parent.root;
  return mount.root == (base + std::string(*place)) ||
         (place->empty() && mount.root == parent.root);
}

bool matters(const std::string& path, const std::string& root) {
  const auto holds = [&path](std::string_view directory) { return below(path, directory); };
  return holds(root) || std::any_of(kSystemDirectories.begin(), kSystemDirectories.end(), holds);
}

// Strings of a message are UTF-8.
std::string as_text(std::string_view bytes) {
  return is_valid_utf8(bytes) ? std::string(bytes) : printable(bytes);
}

Result<void> identify(const std::string& path, v1::MountView::Identity& identity) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return os_error(errno, "look at " + path);
  identity.set_device(st.st_dev);
  identity.set_inode(st.st_ino);
  return {};
}

bool same(const v1::MountView::Identity& a, const v1::MountView::Identity& b) {
  return a.device() == b.device() && a.inode() == b.inode();
}

bool same(const v1::MountView::Mount& a, const v1::MountView::Mount& b) {
  return a.path() == b.path() && a.device() == b.device() && a.root() == b.root();
}

}  // namespace

void fill_mounts(const std::string& root, std::string_view mountinfo, v1::MountView& view) {
  const std::vector<MountLine> mounts = parse(mountinfo);
  std::map<std::string_view, const MountLine*> by_id;
  for (const MountLine& mount : mounts) by_id.emplace(mount.id, &mount);
  // Of several mounts at one place the last one is seen.
  std::map<std::string_view, const MountLine*> seen;
  for (const MountLine& mount : mounts) {
    if (mount.path == "/" || !matters(mount.path, root)) continue;
    const auto parent = by_id.find(mount.parent);
    if (parent != by_id.end() && shows_the_same(mount, *parent->second)) continue;
    seen[mount.path] = &mount;
  }
  for (const auto& [path, mount] : seen) {
    v1::MountView::Mount& wire = *view.add_mounts();
    wire.set_path(as_text(path));
    wire.set_device(std::string(mount->device));
    wire.set_root(as_text(mount->root));
  }
}

Result<void> fill_mount_view(const std::string& root, v1::MountView& view) {
  struct stat st;
  if (::stat("/proc/self/ns/mnt", &st) != 0) return os_error(errno, "look at /proc/self/ns/mnt");
  view.set_namespace_(st.st_ino);
  KILN_TRY(identify(root, *view.mutable_workspace_root()));
  KILN_TRY(identify("/", *view.mutable_system_root()));
  KILN_ASSIGN(const std::string mountinfo, read_file("/proc/self/mountinfo"));
  fill_mounts(root, mountinfo, view);
  return {};
}

std::string difference(const v1::MountView& theirs, const v1::MountView& ours) {
  if (theirs.namespace_() == ours.namespace_()) return "";
  if (!same(theirs.system_root(), ours.system_root())) return "the root directory / is another one";
  if (!same(theirs.workspace_root(), ours.workspace_root())) {
    return "the workspace root is another directory";
  }
  const auto& a = theirs.mounts();
  const auto& b = ours.mounts();
  const auto [first, second] =
      std::mismatch(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& left, const auto& right) { return same(left, right); });
  if (first == a.end() && second == b.end()) return "";
  const bool in_theirs = second == b.end() || (first != a.end() && first->path() <= second->path());
  return "another file system is mounted at " + (in_theirs ? first->path() : second->path());
}

}  // namespace kiln
