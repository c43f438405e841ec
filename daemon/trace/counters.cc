#include "daemon/trace/counters.h"

namespace kiln {

Counter& Counters::operator[](std::string_view name) {
  return counters_.with([&](auto& counters) -> Counter& {
    auto it = counters.find(name);
    if (it == counters.end()) {
      it = counters.emplace(std::string(name), std::make_unique<Counter>()).first;
    }
    return *it->second;
  });
}

std::map<std::string, int64_t> Counters::snapshot() const {
  return counters_.with([](const auto& counters) {
    std::map<std::string, int64_t> values;
    for (const auto& [name, counter] : counters) values.emplace(name, counter->value());
    return values;
  });
}

}  // namespace kiln
