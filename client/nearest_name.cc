#include "client/nearest_name.h"

#include "common/base/edit_distance.h"

namespace kiln {

std::string nearest_name(std::string_view typed, std::span<const std::string> names) {
  std::string best;
  size_t best_distance = typed.size() / 3 + 2;
  for (const std::string& name : names) {
    const bool prefix = typed.size() >= 3 && name.starts_with(typed);
    const size_t distance = prefix ? 1 : edit_distance(typed, name);
    if (distance < best_distance && distance < name.size()) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> names) {
  const std::string nearest = nearest_name(typed, names);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

}  // namespace kiln
