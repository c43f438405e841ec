// What a tool is taken to be, in the key of a process.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kiln::intrinsics {

enum class HostFingerprint : uint8_t {
  kTool,      // what the walk from the command finds
  kPackages,  // and all packages of the system
};
constexpr auto enum_names(HostFingerprint) {
  return std::array<std::string_view, 2>{"tool", "packages"};
}

}  // namespace kiln::intrinsics
