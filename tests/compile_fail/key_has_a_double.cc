// expect: a float or a double cannot be a field of an engine value: NaN is not equal to itself, and
// 0.0 equals -0.0, which has other bytes. Make it a kiln::rules::Real
#include "tests/compile_fail/values.h"

namespace kiln::rules {

struct Tolerance {
  static constexpr std::string_view kTypeName = "Tolerance";
  double most = 0;
  static void fields(auto& self, auto&& field) { field("most", self.most); }
  friend bool operator==(const Tolerance&, const Tolerance&) = default;
};

Rule<Out> rule(const Tolerance&) { co_return Out{}; }

void add(RuleSet& set) { set.add<&rule>(); }

}  // namespace kiln::rules
