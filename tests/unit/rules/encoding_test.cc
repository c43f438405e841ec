// The canonical encoding: what makes two values one key, and what keeps them apart.
#include "daemon/rules/values/encoding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "daemon/rules/param.h"
#include "daemon/rules/values/real.h"

namespace kiln::rules {
namespace {

template <class T>
std::string bytes_of(const T& value) {
  Encoder out;
  encode_value(out, value);
  return std::string(out.bytes());
}

struct Pair {
  std::string first;
  std::vector<std::string> rest;
  std::optional<int> number;
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("rest", self.rest);
    field("number", self.number);
  }
};

TEST(Encoding, IsTheSameOnEveryMachineAndInEveryRun) {
  using namespace std::string_literals;
  EXPECT_EQ(bytes_of(Pair{"ab", {"c"}, -1}),
            "\2\0\0\0\0\0\0\0ab"
            "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0c"
            "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST(Encoding, PartsDoNotRunIntoOneAnother) {
  EXPECT_NE(bytes_of(Pair{"ab", {"c"}, {}}), bytes_of(Pair{"a", {"bc"}, {}}));
  EXPECT_NE(bytes_of(Pair{"", {"a", "b"}, {}}), bytes_of(Pair{"", {"ab"}, {}}));
  EXPECT_NE(bytes_of(Pair{"", {""}, {}}), bytes_of(Pair{"", {}, {}}));
  EXPECT_NE(bytes_of(Pair{"", {}, 0}), bytes_of(Pair{"", {}, std::nullopt}));
}

TEST(Encoding, AMapIsTheSameHoweverItWasFilled) {
  using Map = std::map<std::string, int>;
  Map backwards{{"b", 2}};
  backwards.emplace("a", 1);
  EXPECT_EQ(bytes_of(Map{{"a", 1}, {"b", 2}}), bytes_of(backwards));
  EXPECT_NE(bytes_of(Map{{"a", 1}, {"b", 2}}), bytes_of(Map{{"a", 2}, {"b", 1}}));
}

TEST(Encoding, EqualTextOfAnotherTypeIsAnotherParam) {
  EXPECT_NE(make_param(std::string("1")), make_param(1));
  EXPECT_NE(make_param(1), make_param(int64_t{1})) << "though the bytes are the same";
  EXPECT_EQ(make_param(1), make_param(1));
}

TEST(Real, EqualNumbersHaveEqualBytes) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Real(0.0), Real(-0.0));
  EXPECT_EQ(bytes_of(Real(0.0)), bytes_of(Real(-0.0)));
  EXPECT_EQ(Real(kNan), Real(std::copysign(kNan, -1))) << "or what was made of it is made for ever";
  EXPECT_EQ(bytes_of(Real(kNan)), bytes_of(Real(std::copysign(kNan, -1))));
}

TEST(Real, OtherNumbersAreApartAndStayWhatTheyAre) {
  for (const double number : {0.1, -0.1, 1e300, 5e-324, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(double{Real(number)}, number);
    EXPECT_EQ(Real(number), number);
    EXPECT_NE(Real(number), Real(-number));
    EXPECT_NE(bytes_of(Real(number)), bytes_of(Real(-number)));
    EXPECT_NE(Real(number), Real(std::nextafter(number, 0)));
  }
}

}  // namespace
}  // namespace kiln::rules
