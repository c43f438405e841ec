// The names that somebody who wrote another one may have meant.
// Threads: free functions, thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::rules {

// At most `limit` of `known`, the likeliest first; none that differs from `name` in more than about
// a third of its letters, unless one contains the other. Upper and lower case count as the same.
std::vector<std::string_view> nearest(std::string_view name,
                                      std::span<const std::string_view> known, size_t limit = 3);

// "; did you mean Snapshot or Snapshots?", or nothing
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

// "; did you mean 'NAME'?", or nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

}  // namespace kiln::rules
