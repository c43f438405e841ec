// expect: a pointer cannot be a field of an engine value, which is a copy of its own
#include "tests/compile_fail/values.h"

namespace kiln::rules {

struct Named {
  static constexpr std::string_view kTypeName = "Named";
  const char* name = "";
  static void fields(auto& self, auto&& field) { field("name", self.name); }
  friend bool operator==(const Named&, const Named&) = default;
};

Rule<Out> rule(const Named& named) { co_return Out{named.name}; }

void add(RuleSet& set) { set.add<&rule>(); }

}  // namespace kiln::rules
