#include "common/types/heap_bytes.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

namespace kiln {
namespace {

const std::string kLong(100, 'x');

struct Person {
  std::string name;
  std::optional<std::string> nickname;
  std::vector<Person> friends;
  int age = 0;
  static void fields(auto& self, auto&& field) {
    field("name", self.name);
    field("nickname", self.nickname);
    field("friends", self.friends);
    field("age", self.age);
  }
};

struct Shared {
  std::shared_ptr<const std::string> text;
};
size_t footprint(const Shared& shared) { return shared.text->size(); }

TEST(HeapBytes, WhatHoldsNothingIsNothing) {
  EXPECT_EQ(heap_bytes(7), 0u);
  EXPECT_EQ(heap_bytes(std::string("short")), 0u);
  EXPECT_EQ(heap_bytes(std::vector<int>()), 0u);
  EXPECT_EQ(heap_bytes(std::optional<std::string>()), 0u);
  EXPECT_EQ(heap_bytes(Person{.name = "Ada"}), 0u);
}

TEST(HeapBytes, StringsAndContainersCountWithAllThatIsInThem) {
  EXPECT_GE(heap_bytes(kLong), 100u);
  EXPECT_EQ(heap_bytes(*RelPath::parse(kLong)), heap_bytes(std::string(kLong)));
  EXPECT_GE(heap_bytes(std::vector<std::string>(3, kLong)), 3 * (100 + sizeof(std::string)));
  EXPECT_GE(heap_bytes(std::map<int, std::string>{{1, kLong}, {2, kLong}}), 200u);
}

TEST(HeapBytes, RecordsCountByTheirFields) {
  const Person ada{.name = kLong};
  EXPECT_EQ(heap_bytes(ada), heap_bytes(kLong));
  Person babbage{.name = "Charles", .nickname = kLong, .friends = {ada, ada}};
  EXPECT_EQ(heap_bytes(babbage), 3 * heap_bytes(kLong) + 2 * sizeof(Person));
}

TEST(HeapBytes, ATypeThatKnowsBetterIsAsked) {
  const Shared shared{std::make_shared<const std::string>(kLong)};
  EXPECT_EQ(heap_bytes(shared), 100u);
  EXPECT_EQ(heap_bytes(std::vector<Shared>(2, shared)), 2 * (100 + sizeof(Shared)));
}

}  // namespace
}  // namespace kiln
