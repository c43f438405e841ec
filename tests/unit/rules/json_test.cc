// Values as JSON, both ways, and as a person reads them.
#include "daemon/rules/values/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "daemon/rules/rule_set.h"
#include "daemon/rules/values/real.h"

namespace kiln::rules {
namespace {

using ::testing::HasSubstr;

enum class Colour : uint8_t { kRed, kGreen };
enum class Order : uint8_t { kUp, kDown, kAny };
constexpr auto enum_names(Order) { return std::array<std::string_view, 3>{"up", "down", "any"}; }

struct Point {
  int x = 0;
  int y = 0;
  static void fields(auto& self, auto&& field) {
    field("x", self.x);
    field("y", self.y);
  }
  friend bool operator==(const Point&, const Point&) = default;
};

struct Everything {
  static constexpr std::string_view kTypeName = "Everything";
  bool flag = false;
  int number = 0;
  int64_t large = 0;
  uint64_t unsigned_large = 0;
  Real fraction;
  std::string text;
  Colour colour = Colour::kRed;
  Order order = Order::kDown;
  RelPath path;
  FileDigest file;
  Digest tree;
  std::vector<Point> points;
  std::optional<Point> maybe;
  std::map<std::string, std::vector<int>> lists;
  static void fields(auto& self, auto&& field) {
    field("flag", self.flag);
    field("number", self.number);
    field("large", self.large);
    field("unsigned_large", self.unsigned_large);
    field("fraction", self.fraction);
    field("text", self.text);
    field("colour", self.colour);
    field("order", self.order);
    field("path", self.path);
    field("file", self.file);
    field("tree", self.tree);
    field("points", self.points);
    field("maybe", self.maybe);
    field("lists", self.lists);
  }
  friend bool operator==(const Everything&, const Everything&) = default;
};

Everything full() {
  Everything value;
  value.flag = true;
  value.number = -3;
  value.large = INT64_MIN;
  value.unsigned_large = INT64_MAX;
  value.fraction = 0.1;
  value.text = "a \"quoted\"\nüber\t\x01";
  value.colour = Colour::kGreen;
  value.order = Order::kAny;
  value.path = *RelPath::parse("src/a.cc");
  value.file.size = 12;
  value.tree.size = 34;
  value.points = {{1, 2}, {3, 4}};
  value.maybe = Point{5, 6};
  value.lists = {{"", {}}, {"one", {1}}};
  return value;
}

template <class T>
std::string json_of(const T& value) {
  const graph::ValueRef boxed = graph::make_value(value);
  const auto json = to_json(type_of<T>(), *boxed);
  return json.ok() ? *json : "error: " + json.error().to_string();
}
template <class T>
Result<T> parsed(std::string_view json) {
  KILN_ASSIGN(const Param param, param_from_json(type_of<T>(), json));
  EXPECT_EQ(param.type, type_of<T>());
  EXPECT_EQ(param, make_param(graph::value_as<T>(param.value)));
  return graph::value_as<T>(param.value);
}
std::string refusal(std::string_view json) {
  const auto value = parsed<Everything>(json);
  return value.ok() ? "accepted" : value.error().to_string();
}

TEST(Json, AValueOfAllKindsOfFieldsSurvivesBothWays) {
  const std::string json = json_of(full());
  EXPECT_EQ(json.find('\n'), std::string::npos) << "one line";
  EXPECT_EQ(*parsed<Everything>(json), full());
  EXPECT_EQ(*parsed<Everything>(json_of(Everything{})), Everything{});
}

TEST(Json, ScalarsAreValuesToo) {
  EXPECT_EQ(json_of(26), "26");
  EXPECT_EQ(json_of(true), "true");
  EXPECT_EQ(json_of(std::string("a")), "\"a\"");
  EXPECT_EQ(*parsed<int>("26"), 26);
  EXPECT_EQ(*parsed<std::string>("\"a\""), "a");
}

TEST(Json, FieldsThatAreLeftOutKeepTheirDefaults) {
  EXPECT_EQ(parsed<Everything>(R"({"number": 3})")->number, 3);
  EXPECT_EQ(*parsed<Everything>("{}"), Everything{});
  EXPECT_EQ(parsed<Everything>(R"({"maybe": null})")->maybe, std::nullopt);
  EXPECT_EQ(parsed<Everything>(R"({"maybe": {"y": 2}})")->maybe, (Point{0, 2}));
}

TEST(Json, NoTwoContentsHaveOneForm) {
  EXPECT_EQ(json_of(std::string("a\xff")), R"({"base64":"Yf8="})");
  EXPECT_EQ(json_of(std::string("a\\xff")), R"("a\\xff")");
  const std::vector<std::string> contents = {"",
                                             "text",
                                             std::string("a\0b", 3),
                                             "\xff",
                                             "\\xff",
                                             "\xc3\xa9",
                                             "\xc3",
                                             "{\"base64\":\"/w==\"}",
                                             "base64:/w==",
                                             "/w==",
                                             "\x80\x81",
                                             "\xed\xa0\x80",
                                             "\u00ff"};
  std::set<std::string> forms;
  for (const std::string& content : contents) {
    const std::string json = json_of(content);
    EXPECT_TRUE(forms.insert(json).second) << json;
    EXPECT_EQ(*parsed<std::string>(json), content);
    const Everything as_name{.lists = {{content, {1}}}};
    const std::string with_name = json_of(as_name);
    EXPECT_TRUE(forms.insert(with_name).second) << with_name;
    EXPECT_EQ(*parsed<Everything>(with_name), as_name);
  }
}

TEST(Json, BytesOfAnotherFormAreRefused) {
  for (const char* wrong : {R"({"base64":"*"})", R"({"base64":7})", R"({"base64":"aa","x":1})",
                            R"({"base32":"aa"})", "{}"}) {
    EXPECT_FALSE(parsed<std::string>(wrong).ok()) << wrong;
  }
}

TEST(Json, WhatIsNestedTooDeepIsRefusedAndNotWalked) {
  for (const int depth : {300, 1'000'000}) {
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    const auto value = parsed<Everything>(deep);
    ASSERT_FALSE(value.ok());
    EXPECT_THAT(value.error().message(), HasSubstr("nested more than 256 levels deep"));
  }
}

TEST(Json, AnErrorNamesThePlace) {
  EXPECT_EQ(refusal(R"({"points": [{"x": 1}, {"x": "one"}]})"),
            "expected an integer of 64 bits, found \"one\"\n"
            "  in field 'x'\n  in element 1\n  in field 'points'\n  in a value of type Everything");
  EXPECT_THAT(refusal(R"({"lists": {"a": [true]}})"),
              HasSubstr("found true\n  in element 0\n  in field 'a'\n  in field 'lists'"));
}

TEST(Json, AnotherKindIsRefused) {
  EXPECT_THAT(refusal(R"({"flag": 1})"), HasSubstr("expected true or false, found 1"));
  EXPECT_THAT(refusal(R"({"number": 1.5})"),
              HasSubstr("expected an integer of 64 bits, found 1.5"));
  EXPECT_THAT(refusal(R"({"fraction": "1"})"), HasSubstr("expected a number, found \"1\""));
  EXPECT_THAT(refusal(R"({"text": null})"), HasSubstr("expected text, found null"));
  EXPECT_THAT(refusal(R"({"points": {}})"), HasSubstr("expected a list, found {}"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected an object, found []"));
  EXPECT_THAT(refusal("{"), HasSubstr("what is given for Everything is not JSON"));
  EXPECT_THAT(refusal(""), HasSubstr("is not JSON"));
}

TEST(Json, ANumberThatDoesNotFitIsRefused) {
  EXPECT_THAT(refusal(R"({"number": 3000000000})"), HasSubstr("3000000000"));
  EXPECT_THAT(refusal(R"({"number": 3000000000})"), HasSubstr("in field 'number'"));
  EXPECT_THAT(refusal(R"({"large": 9223372036854775808})"), HasSubstr("in field 'large'"));
  EXPECT_THAT(refusal(R"({"unsigned_large": -1})"), HasSubstr("in field 'unsigned_large'"));
  EXPECT_THAT(refusal(R"({"colour": 256})"), HasSubstr("in field 'colour'"));
}

TEST(Json, AnEnumIsKnownByItsNamesIfItListsThem) {
  EXPECT_THAT(json_of(full()), HasSubstr(R"("colour":1,"order":"any")"));
  EXPECT_EQ(parsed<Everything>(R"({"order": "up"})")->order, Order::kUp);
  EXPECT_THAT(refusal(R"({"order": "upp"})"),
              HasSubstr("expected up, down or any, found 'upp'\n  in field 'order'"));
  EXPECT_THAT(refusal(R"({"order": 1})"), HasSubstr("expected text, found 1"));
  Everything beyond;
  beyond.order = static_cast<Order>(9);
  EXPECT_THAT(json_of(beyond), HasSubstr(R"("order":9)")) << "it has no name";
}

TEST(Json, PathsAndDigestsAreChecked) {
  EXPECT_THAT(refusal(R"({"path": "../a"})"), HasSubstr("in field 'path'"));
  EXPECT_THAT(refusal(R"({"file": "12"})"), HasSubstr("in field 'file'"));
}

TEST(Json, AFieldThatDoesNotExistIsRefusedWithThoseThatDo) {
  EXPECT_THAT(refusal(R"({"points": [{"z": 1}]})"), HasSubstr("no field 'z'; there are x, y"));
}

TEST(Json, ATypeOfTheDaemonsOwnHasNoJson) {
  Type type;
  type.name = "Pointer";
  EXPECT_EQ(param_from_json(&type, "{}").error().message(),
            "a value of type Pointer cannot come from a client");
  const graph::ValueRef value = graph::make_value(1);
  EXPECT_EQ(to_json(&type, *value).error().message(), "a value of type Pointer has no JSON form");
}

TEST(DescribeValue, ShortensWhatIsLong) {
  const Everything value = full();
  const std::string text = describe_value(type_of<Everything>(), *graph::make_value(value), 30);
  EXPECT_THAT(text, HasSubstr("Everything{flag: true"));
  EXPECT_THAT(text, HasSubstr("…"));
  EXPECT_LT(text.size(), 60);
  EXPECT_EQ(describe_value(type_of<int>(), *graph::make_value(7)), "int(7)");
  const std::string whole = describe_value(type_of<Everything>(), *graph::make_value(value), 500);
  EXPECT_THAT(whole, HasSubstr("order: any"));
}

}  // namespace
}  // namespace kiln::rules
