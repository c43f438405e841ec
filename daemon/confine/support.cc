#include "daemon/confine/support.h"

#include "common/base/file.h"

namespace kiln::confine {
namespace {

// The value of a setting below /proc/sys; empty if this kernel does not have it.
std::string setting(const std::string& name) {
  auto value = read_file("/proc/sys/" + name);
  if (!value.ok()) return {};
  while (!value->empty() && value->back() == '\n') value->pop_back();
  return *value;
}

constexpr const char* kContainerFix =
    "inside a container, start it with `--security-opt seccomp=unconfined --security-opt "
    "apparmor=unconfined --security-opt systempaths=unconfined`, or use `--sandbox plain`";

// Settings of distributions that forbid user namespaces to ordinary users, and how to lift them.
std::string user_namespace_fix() {
  if (setting("kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return "run `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or give kilnd an "
           "AppArmor profile that allows userns";
  }
  if (setting("kernel/unprivileged_userns_clone") == "0") {
    return "run `sudo sysctl kernel.unprivileged_userns_clone=1`";
  }
  if (setting("user/max_user_namespaces") == "0") {
    return "run `sudo sysctl user.max_user_namespaces=15000`";
  }
  return kContainerFix;
}

const char* name_of(Part part) {
  switch (part) {
    case Part::kUserNamespace:
      return "user namespaces";
    case Part::kIdentity:
      return "an identity in a user namespace";
    case Part::kMounts:
      return "mounts in a user namespace";
    case Part::kMemory:
      return "a tmpfs in a user namespace";
    case Part::kNamespaces:
      return "pid, mount, ipc, uts and network namespaces";
    case Part::kProc:
      return "an own /proc";
    case Part::kDevices:
      return "an own /dev";
    case Part::kNetwork:
      return "an own network";
    case Part::kEntry:
      return "entering namespaces";
  }
  return "a part";
}

}  // namespace

MissingPart explain(Part part, const std::string& why) {
  const bool by_setting = part == Part::kUserNamespace || part == Part::kIdentity ||
                          part == Part::kMounts || part == Part::kMemory;
  return {
      .part = name_of(part), .why = why, .fix = by_setting ? user_namespace_fix() : kContainerFix};
}

std::string Support::to_string() const {
  std::string text;
  for (const MissingPart& part : missing) {
    if (!text.empty()) text += '\n';
    text += part.part + ": " + part.why + "; " + part.fix;
  }
  return text;
}

}  // namespace kiln::confine
