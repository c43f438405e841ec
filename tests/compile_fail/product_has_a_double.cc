// expect: a float or a double cannot be a field of an engine value: NaN is not equal to itself, and
// 0.0 equals -0.0, which has other bytes. Make it a kiln::rules::Real
#include "tests/compile_fail/values.h"

namespace kiln::rules {

struct Mean {
  static constexpr std::string_view kTypeName = "Mean";
  double value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Mean&, const Mean&) = default;
};

Rule<Mean> rule(const In& in) { co_return Mean{static_cast<double>(in.text.size())}; }

void add(RuleSet& set) { set.add<&rule>(); }

}  // namespace kiln::rules
