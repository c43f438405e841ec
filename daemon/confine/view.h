// View: what a confined process can reach of the machine, beyond its own directories.
//
// Threads: immutable values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln::confine {

enum class Network : uint8_t {
  kNone,      // no interface is up
  kLoopback,  // an own loopback interface
  kHost,      // the machine's network
};
constexpr auto enum_names(Network) {
  return std::array<std::string_view, 3>{"none", "loopback", "host"};
}

// A directory of the host that a confined process may write to; it sees it as /caches/NAME.
struct LentCache {
  std::string name;       // one component
  std::string directory;  // absolute
  friend auto operator<=>(const LentCache&, const LentCache&) = default;
};

struct View {
  Network network = Network::kNone;
  // Absolute, normalized paths of directories or files that are shown read-only at their own path,
  // in addition to those of every view (slot_root.h). Sorted, unique.
  std::vector<std::string> host_paths;
  std::vector<LentCache> caches;  // sorted, unique
  friend auto operator<=>(const View&, const View&) = default;
};

// Refuses paths that are not absolute and normal, or that would hide a part of the slot itself.
Result<void> check(const View& view);

// Where the paths of a slot are, as the process in it sees them.
inline constexpr std::string_view kSandboxPath = "/sandbox";
inline constexpr std::string_view kCachesPath = "/caches";

}  // namespace kiln::confine
