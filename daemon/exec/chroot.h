// {chroot}: the placeholder for the path of a process's sandbox.
// Threads: stateless.
#pragma once

#include <string>
#include <string_view>

namespace kiln::exec {

inline constexpr std::string_view kChroot = "{chroot}";

// `text` with each placeholder replaced.
std::string with_chroot(std::string text, const std::string& sandbox_path);

}  // namespace kiln::exec
