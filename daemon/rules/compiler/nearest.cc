#include "daemon/rules/compiler/nearest.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace kiln::rules {

namespace {

// Insertions, deletions, replacements and swaps of neighbours that make one of the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_above(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
    std::swap(two_above, above);
    std::swap(above, row);
  }
  return above.back();
}

}  // namespace

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
    const size_t away = distance(wanted, lower);
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
