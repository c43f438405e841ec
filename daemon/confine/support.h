// Support: whether this machine allows confined processes, and if not, what is missing.
//
// Threads: immutable values; explain() reads /proc/sys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kiln::confine {

// The parts of a confinement, in the order in which they are made.
enum class Part : uint32_t {
  kUserNamespace,
  kIdentity,  // the user's own id inside the user namespace
  kMounts,
  kMemory,  // a tmpfs
  kNamespaces,
  kProc,
  kDevices,
  kNetwork,
  kEntry,  // a process enters what was made
};

struct MissingPart {
  std::string part;  // such as "user namespaces"
  std::string why;   // what failed, and how
  std::string fix;   // what a person can do about it
};

struct Support {
  std::vector<MissingPart> missing;
  bool available() const { return missing.empty(); }
  // One line per missing part: "PART: WHY; FIX".
  std::string to_string() const;
};

// `part` failed with `why`. The fix depends on settings of this machine, which are read here.
MissingPart explain(Part part, const std::string& why);

}  // namespace kiln::confine
