// expect: a float or a double cannot be a field of an engine value: NaN is not equal to itself, and
// 0.0 equals -0.0, which has other bytes. Make it a kiln::rules::Real
#include "tests/compile_fail/values.h"

namespace kiln::rules {

struct Point {
  std::vector<std::optional<float>> at;
  static void fields(auto& self, auto&& field) { field("at", self.at); }
  friend bool operator==(const Point&, const Point&) = default;
};
struct Line {
  static constexpr std::string_view kTypeName = "Line";
  std::vector<Point> points;
  static void fields(auto& self, auto&& field) { field("points", self.points); }
  friend bool operator==(const Line&, const Line&) = default;
};

Rule<Out, Gets<int(Line)>> rule(const In&) {
  co_return Out{std::to_string(co_await get<int>(Line{}))};
}

}  // namespace kiln::rules
