// Suggesting the name that was meant.
// Threads: stateless.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kiln {

// The name closest to `typed`, if it is close enough to have been meant; else empty.
std::string nearest_name(std::string_view typed, std::span<const std::string> names);

// "; did you mean NAME?", or nothing.
std::string did_you_mean(std::string_view typed, std::span<const std::string> names);

}  // namespace kiln
