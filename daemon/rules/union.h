// Unions: a base that a goal asks of, and members that backends add to it.
//
// What:    the base says what a goal needs to know of a member, and how to make one:
//
//            struct LintRequest {
//              static constexpr std::string_view kTypeName = "LintRequest";
//              static constexpr bool kUnionBase = true;
//              struct Member { std::string tool; MemberOf<LintRequest> (*request)(Files); };
//              template <class M> static Member member() { … }
//            };
//
//          A rule or goal takes `const UnionMembers<LintRequest>&` and asks
//          `get<LintResults>(member.request(files))`, declared as Gets<LintResults(LintRequest)>.
// Threads: immutable values.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/rule.h"

namespace kiln::rules {

// The members of a union, in the order in which they were registered; the same for the daemon's
// life. Every root begins with it.
template <UnionBase Base>
struct UnionMembers {
  struct Member {
    TypeId type;
    typename Base::Member what;
  };
  std::vector<Member> members;

  friend bool operator==(const UnionMembers& a, const UnionMembers& b) {
    return std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                      [](const Member& x, const Member& y) { return x.type == y.type; });
  }
};
template <class Base>
void encode_value(Encoder& out, const UnionMembers<Base>& value) {
  for (const auto& member : value.members) out.text(member.type->name);
}

template <class Base>
struct TypeName<UnionMembers<Base>> {
 private:
  static constexpr std::string_view kPrefix = "UnionMembers[";
  static constexpr auto kText = [] {
    std::array<char, kPrefix.size() + TypeName<Base>::value.size() + 1> text{};
    auto end = std::copy(kPrefix.begin(), kPrefix.end(), text.begin());
    end = std::copy(TypeName<Base>::value.begin(), TypeName<Base>::value.end(), end);
    *end = ']';
    return text;
  }();

 public:
  static constexpr std::string_view value{kText.data(), kText.size()};
};

// A value of the member M, to ask with.
template <UnionBase Base, EngineValue M>
MemberOf<Base> member_of(M value) {
  return {make_param(std::move(value))};
}

}  // namespace kiln::rules
