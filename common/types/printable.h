// Text of others, fit to be shown.
// Threads: stateless.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

// As printable() of rel_path.h, but lines stay lines and tabs tabs: for output of several lines.
std::string printable_lines(std::string_view text);

}  // namespace kiln
