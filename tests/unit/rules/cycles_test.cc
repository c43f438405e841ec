// Rules that come back to themselves when they run: what may end does, and what cannot is an error
// that names the circle.
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A link of the chain `chain`, which has `length` of them; in a closed one the first comes after
// the last.
struct Link {
  static constexpr std::string_view kTypeName = "Link";
  int chain = 0;
  int length = 1;
  bool closed = true;
  int at = 0;
  Link next() const { return {chain, length, closed, (at + 1) % length}; }
  std::string title() const { return "link " + std::to_string(chain) + "/" + std::to_string(at); }
  static void fields(auto& self, auto&& field) {
    field("chain", self.chain);
    field("length", self.length);
    field("closed", self.closed);
    field("at", self.at);
  }
  friend bool operator==(const Link&, const Link&) = default;
};
// How many links there are from one on.
struct Reach {
  static constexpr std::string_view kTypeName = "Reach";
  int links = 0;
  static void fields(auto& self, auto&& field) { field("links", self.links); }
  friend bool operator==(const Reach&, const Reach&) = default;
};
// The same, of a link that a fact may cut.
struct Cut {
  static constexpr std::string_view kTypeName = "Cut";
  int links = 0;
  static void fields(auto& self, auto&& field) { field("links", self.links); }
  friend bool operator==(const Cut&, const Cut&) = default;
};
struct Fibonacci {
  static constexpr std::string_view kTypeName = "Fibonacci";
  int64_t value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Fibonacci&, const Fibonacci&) = default;
};

Rule<Reach, Gets<Reach(Link)>> follow(const Link& link) {
  if (!link.closed && link.at + 1 == link.length) co_return Reach{1};
  co_return Reach{(co_await get<Reach>(link.next())).links + 1};
}
Rule<Cut, Gets<Fact(FactName), Cut(Link)>> follow_unless_cut(const Link& link) {
  const auto& cut = co_await get<Fact>(FactName{"cut"});
  if (link.at == cut.value) co_return Cut{0};
  const auto& [rest, again] = co_await all(get<Cut>(link.next()), get<Fact>(FactName{"cut"}));
  co_return Cut{rest.links + 1};
}
Rule<Fibonacci, Gets<Fibonacci(int)>> fibonacci(const int& n) {
  if (n < 2) co_return Fibonacci{n};
  const auto& [x, y] = co_await all(get<Fibonacci>(n - 2), get<Fibonacci>(n - 1));
  co_return Fibonacci{x.value + y.value};
}

class CyclesTest : public RuntimeTest {
 protected:
  void SetUp() override {
    add_facts();
    set.add<&follow>();
    set.add<&follow_unless_cut>();
    set.add<&fibonacci>();
    set.query<Reach(Link)>();
    set.query<Cut(Link)>();
    set.query<Fibonacci(int)>();
  }
};

TEST_F(CyclesTest, ARuleThatWaitsForItselfIsNamedWithItsParam) {
  const auto failed = ask<Reach>(Link{1, 1});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kCycle);
  EXPECT_EQ(failed.error().message(), "computations wait for one another: link 1/0 → link 1/0");
}

TEST_F(CyclesTest, ALongCircleIsNamedLinkByLink) {
  const auto failed = ask<Reach>(Link{2, 4});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kCycle);
  EXPECT_EQ(failed.error().message(),
            "computations wait for one another: link 2/3 → link 2/0 → link 2/1 → link 2/2 → link "
            "2/3");
}

TEST_F(CyclesTest, AChainOfTheSameLinksThatEndsIsLegal) {
  EXPECT_EQ(ask<Reach>(Link{3, 100, false})->links, 100);
  EXPECT_EQ(ask<Fibonacci>(50)->value, 12586269025);
}

TEST_F(CyclesTest, ACircleIsNotRememberedAndTheSameGraphAnswersOnceItIsCut) {
  set_fact("cut", -1);
  EXPECT_EQ(ask<Cut>(Link{4, 3}).error().code(), ErrorCode::kCycle);
  EXPECT_EQ(ask<Cut>(Link{4, 3}).error().code(), ErrorCode::kCycle);
  EXPECT_EQ(ask<Reach>(Link{4, 3, false})->links, 3) << "others are answered meanwhile";
  set_fact("cut", 2);
  EXPECT_EQ(ask<Cut>(Link{4, 3})->links, 2);
  set_fact("cut", -1);
  EXPECT_EQ(ask<Cut>(Link{4, 3}).error().code(), ErrorCode::kCycle)
      << "a circle that closes while values are re-checked";
  set_fact("cut", 1);
  EXPECT_EQ(ask<Cut>(Link{4, 3})->links, 1);
}

TEST_F(CyclesTest, AllWhoWaitInACircleAreToldWhereverTheyEnteredIt) {
  std::vector<UnderwayValue> waiting;
  for (int at = 0; at < 4; ++at) waiting.push_back(begin<Reach>(Link{5, 4, true, at}));
  executor.drain();
  for (const UnderwayValue& asked : waiting) {
    ASSERT_TRUE(asked->done());
    EXPECT_EQ(asked->answer().error().code(), ErrorCode::kCycle);
  }
  EXPECT_THAT(waiting[2]->answer().error().message(),
              AllOf(HasSubstr("link 5/0"), HasSubstr("link 5/1"), HasSubstr("link 5/2"),
                    HasSubstr("link 5/3")));
}

// On threads the halves of a circle may close it at the same moment.
TEST_F(CyclesTest, OnThreadsEveryoneInACircleIsToldAndNobodyHangs) {
  use_threads(4);
  for (int chain = 0; chain < 100; ++chain) {
    std::vector<UnderwayValue> waiting;
    for (int at = 0; at < 6; ++at) waiting.push_back(begin<Reach>(Link{chain, 6, true, at}));
    const auto legal = begin<Reach>(Link{chain, 6, false});
    for (const UnderwayValue& asked : waiting) {
      const Result<graph::ValueRef> answer = asked->wait();
      ASSERT_FALSE(answer.ok());
      ASSERT_EQ(answer.error().code(), ErrorCode::kCycle);
      const std::string prefix = "link " + std::to_string(chain) + "/";
      for (int at = 0; at < 6; ++at) {
        ASSERT_THAT(answer.error().message(), HasSubstr(prefix + std::to_string(at)));
      }
    }
    ASSERT_EQ(graph::value_as<Reach>(*legal->wait()).links, 6);
  }
}

TEST_F(CyclesTest, OnThreadsRecursionThatEndsDoesAndEachNumberIsComputedOnce) {
  use_threads(4);
  std::vector<UnderwayValue> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(begin<Fibonacci>(80 + i % 2));
  for (size_t i = 0; i < waiting.size(); ++i) {
    EXPECT_EQ(graph::value_as<Fibonacci>(*waiting[i]->wait()).value,
              i % 2 == 0 ? 23416728348467685 : 37889062373143906);
  }
  EXPECT_THAT(record.take(), SizeIs(82));
}

}  // namespace
}  // namespace kiln::rules
