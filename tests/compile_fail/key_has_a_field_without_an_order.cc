// expect: a field of an engine value is a bool, an integer, an enum, a std::string, a RelPath, a
// digest, a struct with fields, or a std::vector, std::optional or std::map of those
#include <unordered_map>

#include "tests/compile_fail/values.h"

namespace kiln::rules {

struct Names {
  static constexpr std::string_view kTypeName = "Names";
  std::unordered_map<std::string, int> ages;
  static void fields(auto& self, auto&& field) { field("ages", self.ages); }
  friend bool operator==(const Names&, const Names&) = default;
};

Rule<Out> rule(const Names&) { co_return Out{}; }

void add(RuleSet& set) { set.add<&rule>(); }

}  // namespace kiln::rules
