// One function for each subject; each gives what it found with the state and the fix that belong to
// it.
#include "daemon/service/diagnosis.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/base/file.h"
#include "common/types/rel_path.h"
#include "daemon/os/mounts.h"
#include "daemon/os/process_limits.h"

namespace kiln::service {

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
// A daemon with a workspace of 100,000 files needs about half of it.
constexpr uint64_t kLittleMemory = kGiB;
constexpr uint64_t kLittleDisk = 5 * kGiB;
constexpr uint64_t kNoDisk = kGiB / 4;
constexpr uint64_t kFewInodes = 100'000;
// Large workspaces have so many directories, and editors watch them too.
constexpr uint64_t kFewWatches = 65'536;
// Each client, process and open table of the store takes some.
constexpr uint64_t kFewFiles = 4'096;

v1::Finding finding(std::string subject, v1::Finding::State state, std::string found,
                    std::string fix = "") {
  v1::Finding made;
  made.set_subject(std::move(subject));
  made.set_state(state);
  made.set_found(std::move(found));
  made.set_fix(std::move(fix));
  return made;
}

std::string in_units(uint64_t bytes) {
  if (bytes >= kGiB) return std::to_string(bytes / kGiB) + " GiB";
  return std::to_string(bytes >> 20) + " MiB";
}

// The number that a file holds; nothing if there is no such file, or if it says "max".
std::optional<uint64_t> number_in(const std::string& path) {
  const auto text = read_file(path);
  uint64_t number = 0;
  if (!text.ok()) return std::nullopt;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

// The mount that a path is on, by the longest mount point above it.
std::optional<os::Mount> mount_of(const std::string& path) {
  auto mounts = os::Mounts::open();
  if (!mounts.ok()) return std::nullopt;
  const auto all = mounts->read();
  if (!all.ok()) return std::nullopt;
  std::optional<os::Mount> found;
  for (const os::Mount& mount : *all) {
    const bool above =
        mount.point == "/" || path == mount.point || path.starts_with(mount.point + "/");
    if (above && (!found || mount.point.size() >= found->point.size())) found = mount;
  }
  return found;
}

void look_at_sandboxes(const confine::Support& support, std::vector<v1::Finding>& findings) {
  constexpr const char* kSubject = "strict sandboxes";
  if (support.available()) {
    findings.push_back(finding(kSubject, v1::Finding::GOOD,
                               "possible: processes reach nothing but their inputs, the system's "
                               "tools and what is lent to them"));
    return;
  }
  for (const confine::MissingPart& part : support.missing) {
    findings.push_back(finding(kSubject, v1::Finding::WEAK,
                               part.part + ": " + part.why +
                                   "; processes of the level auto run at the level plain, and can "
                                   "read files that are no inputs of them",
                               part.fix));
  }
}

v1::Finding watches(const watch::WatchStats& stats) {
  constexpr const char* kSubject = "watches";
  const auto limit = number_in("/proc/sys/fs/inotify/max_user_watches");
  if (!limit) {
    return finding(kSubject, v1::Finding::WEAK, "the limit cannot be read",
                   "mount /proc, or ignore this if `kiln daemon status` says that all "
                   "directories are watched");
  }
  const std::string used = std::to_string(stats.watched) + " of at most " + std::to_string(*limit);
  const std::string fix =
      "run `sudo sysctl fs.inotify.max_user_watches=1048576`, and write that line into "
      "/etc/sysctl.d/kiln.conf";
  if (stats.unwatched > 0) {
    return finding(kSubject, v1::Finding::WEAK,
                   used + "; " + std::to_string(stats.unwatched) +
                       " directories got none and are looked at again in each request",
                   fix);
  }
  if (*limit < kFewWatches) {
    return finding(kSubject, v1::Finding::WEAK, used + "; a large workspace needs more", fix);
  }
  return finding(kSubject, v1::Finding::GOOD, used);
}

v1::Finding open_files() {
  constexpr const char* kSubject = "open files";
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto most = static_cast<uint64_t>(limit.rlim_max);
  const std::string found = "at most " + std::to_string(most);
  if (most >= kFewFiles) return finding(kSubject, v1::Finding::GOOD, found);
  return finding(kSubject, v1::Finding::WEAK, found + "; with many clients the daemon refuses some",
                 "raise the hard limit (`ulimit -Hn`, /etc/security/limits.conf, LimitNOFILE of "
                 "the service), then run `kiln daemon restart`");
}

v1::Finding disk(const std::string& home) {
  constexpr const char* kSubject = "disk";
  struct statvfs st {};
  if (::statvfs(home.c_str(), &st) != 0) {
    return finding(kSubject, v1::Finding::BAD,
                   os_error(errno, "ask for the free space of " + home).message(),
                   "set KILN_HOME to a directory that this user can write to");
  }
  const uint64_t free = uint64_t{st.f_bavail} * st.f_frsize;
  const auto mount = mount_of(home);
  const std::string type = mount ? ", " + mount->type : "";
  std::string found = in_units(free) + " free for " + printable(home) + type;
  const std::string fix = "free some, or set KILN_HOME to a directory on a larger disk";
  if (mount && os::is_served_elsewhere(mount->type)) {
    return finding(kSubject, v1::Finding::WEAK,
                   found + "; another machine or a program serves it, so each answer waits for it",
                   "set KILN_HOME to a directory on a disk of this machine");
  }
  if (free < kNoDisk) return finding(kSubject, v1::Finding::BAD, found, fix);
  if (st.f_files > 0 && st.f_favail < kFewInodes) {
    return finding(kSubject, v1::Finding::WEAK,
                   found + ", but only " + std::to_string(st.f_favail) + " inodes", fix);
  }
  if (free < kLittleDisk) return finding(kSubject, v1::Finding::WEAK, found, fix);
  return finding(kSubject, v1::Finding::GOOD, found);
}

v1::Finding memory() {
  constexpr const char* kSubject = "memory";
  struct sysinfo info {};
  ::sysinfo(&info);
  uint64_t bytes = uint64_t{info.totalram} * info.mem_unit;
  std::string whose = " in this machine";
  if (const auto limit = number_in("/sys/fs/cgroup/memory.max"); limit && *limit < bytes) {
    bytes = *limit;
    whose = " for this container";
  }
  const std::string found = in_units(bytes) + whose;
  if (bytes >= kLittleMemory) return finding(kSubject, v1::Finding::GOOD, found);
  return finding(kSubject, v1::Finding::WEAK, found + "; a large workspace does not fit",
                 "give it at least " + in_units(kLittleMemory));
}

void look_at_limits(std::vector<v1::Finding>& findings) {
  const std::vector<std::string> limits = os::limits_that_stay();
  if (limits.empty()) {
    findings.push_back(
        finding("limits", v1::Finding::GOOD, "processes have those of a plain login shell"));
  }
  for (const std::string& limit : limits) {
    findings.push_back(finding("limits", v1::Finding::WEAK, limit,
                               "run `kiln daemon restart` in a shell without that limit"));
  }
}

v1::Finding workspace(const std::string& root) {
  constexpr const char* kSubject = "workspace";
  const auto mount = mount_of(root);
  const std::string where = printable(root) + (mount ? ", on " + mount->type : "");
  if (mount && os::is_served_elsewhere(mount->type)) {
    return finding(kSubject, v1::Finding::WEAK,
                   where +
                       ": changes that others make there tell nobody, so its files are looked "
                       "at again in each request",
                   "work in a checkout on a disk of this machine");
  }
  return finding(kSubject, v1::Finding::GOOD, where);
}

}  // namespace

std::vector<v1::Finding> diagnose(const Patient& patient) {
  std::vector<v1::Finding> findings;
  look_at_sandboxes(patient.confinement, findings);
  findings.push_back(watches(patient.watches));
  findings.push_back(open_files());
  findings.push_back(disk(patient.home));
  findings.push_back(memory());
  look_at_limits(findings);
  if (!patient.workspace_root.empty()) {
    findings.push_back(workspace(patient.workspace_root));
  }
  return findings;
}

}  // namespace kiln::service
