#include "daemon/os/mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "common/base/file.h"

namespace kiln::os {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = text.find(separator); end != text.npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

// Blanks, tabs, newlines and backslashes are \ooo.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return plain;
}

// 36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue
bool parse_mount(std::string_view line, Mount& mount) {
  constexpr size_t kBeforeOptional = 6;
  const std::vector<std::string_view> fields = split(line, ' ');
  if (fields.size() < kBeforeOptional) return false;
  const auto dash = std::find(fields.begin() + kBeforeOptional, fields.end(), "-");
  if (fields.end() - dash < 3) return false;
  mount.id = 0;
  const char* const end = fields[0].data() + fields[0].size();
  if (std::from_chars(fields[0].data(), end, mount.id).ptr != end) return false;
  mount.device = std::string(fields[2]);
  mount.root = unescaped(fields[3]);
  mount.point = unescaped(fields[4]);
  mount.type = std::string(dash[1]);
  mount.source = unescaped(dash[2]);
  return true;
}

// All that is mounted at each point, the lowest first.
std::map<std::string_view, std::vector<const Mount*>> by_point(const std::vector<Mount>& mounts) {
  std::map<std::string_view, std::vector<const Mount*>> points;
  for (const Mount& mount : mounts) points[mount.point].push_back(&mount);
  return points;
}

bool equal_mounts(const std::vector<const Mount*>& a, const std::vector<const Mount*>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Mount* one, const Mount* other) { return *one == *other; });
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  Mount mount;
  for (const std::string_view line : split(mountinfo, '\n')) {
    if (parse_mount(line, mount)) mounts.push_back(std::move(mount));
    mount = Mount();
  }
  return mounts;
}

bool is_served_elsewhere(std::string_view type) {
  constexpr std::array<std::string_view, 21> kTypes = {
      "autofs",   "nfs",  "nfs4",  "cifs",   "smb3",     "smbfs",   "9p",
      "virtiofs", "afs",  "coda",  "ceph",   "fuse",     "fuseblk", "lustre",
      "gpfs",     "gfs2", "ocfs2", "vboxsf", "orangefs", "beegfs",  "pvfs2"};
  return type.starts_with("fuse.") || std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

Result<Mounts> Mounts::open() {
  KILN_ASSIGN(UniqueFd fd, open_file("/proc/self/mountinfo", O_RDONLY));
  return Mounts(std::move(fd));
}

bool Mounts::changed() {
  pollfd asked{fd_.get(), POLLPRI, 0};
  const bool told = ::poll(&asked, 1, 0) > 0;
  return !std::exchange(asked_, true) || told;
}

Result<std::vector<Mount>> Mounts::read() {
  if (::lseek(fd_.get(), 0, SEEK_SET) < 0) return os_error(errno, "read /proc/self/mountinfo");
  KILN_ASSIGN(const std::string text, read_all(fd_.get(), "/proc/self/mountinfo"));
  return parse_mounts(text);
}

std::vector<std::string> changed_points(const std::vector<Mount>& before,
                                        const std::vector<Mount>& after) {
  const auto old_points = by_point(before);
  const auto new_points = by_point(after);
  std::vector<std::string> changed;
  for (const auto& [point, mounts] : old_points) {
    const auto now = new_points.find(point);
    if (now == new_points.end() || !equal_mounts(mounts, now->second)) changed.emplace_back(point);
  }
  for (const auto& [point, mounts] : new_points) {
    if (!old_points.contains(point)) changed.emplace_back(point);
  }
  return changed;
}

}  // namespace kiln::os
