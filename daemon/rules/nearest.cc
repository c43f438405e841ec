#include "daemon/rules/nearest.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <utility>

#include "common/base/edit_distance.h"

namespace kiln::rules {

std::vector<std::string_view> nearest(std::string_view name,
                                      std::span<const std::string_view> known, size_t limit) {
  const std::string wanted = absl::AsciiStrToLower(std::string(name));
  std::vector<std::pair<size_t, std::string_view>> found;
  for (const std::string_view candidate : known) {
    if (candidate == name) continue;
    const std::string lower = absl::AsciiStrToLower(std::string(candidate));
    const size_t allowed = std::max<size_t>(1, std::max(wanted.size(), lower.size()) / 3);
    const bool contains = wanted.size() >= 4 && lower.find(wanted) != std::string::npos;
    const bool contained = lower.size() >= 4 && wanted.find(lower) != std::string::npos;
    const size_t away = edit_distance(wanted, lower);
    if (away <= allowed) {
      found.emplace_back(away, candidate);
    } else if (contains || contained) {
      found.emplace_back(allowed + away, candidate);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (found.size() > limit) found.resize(limit);
  std::vector<std::string_view> names;
  names.reserve(found.size());
  for (const auto& [away, candidate] : found) names.push_back(candidate);
  return names;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  std::string text;
  for (const std::string_view other : nearest(name, known)) {
    text += (text.empty() ? "; did you mean " : " or ") + std::string(other);
  }
  return text.empty() ? text : text + "?";
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> known) {
  const std::vector<std::string_view> likely = nearest(name, known, 1);
  return likely.empty() ? "" : "; did you mean '" + std::string(likely.front()) + "'?";
}

}  // namespace kiln::rules
