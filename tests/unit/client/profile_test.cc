// Events drawn as a Chrome trace.
#include "client/profile.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"

namespace kiln {
namespace {

using nlohmann::json;

class ProfileTest : public testing::Test {
 protected:
  static v1::Event span(uint64_t id, uint64_t parent, uint64_t start, uint64_t end) {
    v1::Event event;
    event.set_kind(v1::Event::COMPLETED);
    event.set_span(id);
    event.set_parent(parent);
    event.set_start_ns(start * 1000);
    event.set_time_ns(end * 1000);
    event.set_name("work");
    event.set_description(std::to_string(id));
    return event;
  }
  json written(const std::vector<v1::Event>& events) {
    const std::string path = temp_.path() / "p.json";
    Interrupt interrupt;
    auto profile = ProfileWriter::open(path, interrupt);
    EXPECT_TRUE(profile.ok());
    for (const v1::Event& event : events) profile->add(event);
    EXPECT_TRUE(profile->finish().ok());
    return json::parse(test::slurp(path));
  }
  // Name to lane, of the slices.
  std::map<std::string, int> lanes(const std::vector<v1::Event>& events) {
    std::map<std::string, int> lanes;
    for (const json& event : written(events)) {
      if (event.at("ph") == "X") lanes[event.at("name")] = event.at("tid");
    }
    return lanes;
  }
  using Lanes = std::map<std::string, int>;
  test::TempDir temp_;
};

TEST_F(ProfileTest, OfNothingIsAnArray) { EXPECT_TRUE(written({}).is_array()); }

TEST_F(ProfileTest, ChildrenOneAfterAnotherAreOnTheLaneOfTheirParent) {
  EXPECT_EQ(lanes({span(1, 0, 0, 100), span(2, 1, 0, 50), span(3, 1, 50, 100), span(4, 3, 60, 70)}),
            (Lanes{{"1", 1}, {"2", 1}, {"3", 1}, {"4", 1}}));
}

TEST_F(ProfileTest, ChildrenAtTheSameTimeAreOnLanesOfTheirOwnWithAllThatIsBelowThem) {
  EXPECT_EQ(lanes({span(1, 0, 0, 100), span(2, 1, 10, 60), span(3, 1, 20, 90), span(4, 3, 30, 40),
                   span(5, 2, 30, 40)}),
            (Lanes{{"1", 1}, {"2", 1}, {"3", 2}, {"4", 2}, {"5", 1}}));
}

TEST_F(ProfileTest, ALaneIsUsedAgainOnceItIsFree) {
  EXPECT_EQ(lanes({span(1, 0, 0, 100), span(2, 1, 0, 30), span(3, 1, 10, 20), span(4, 1, 40, 80),
                   span(5, 1, 50, 70)}),
            (Lanes{{"1", 1}, {"2", 1}, {"3", 2}, {"4", 1}, {"5", 2}}));
}

TEST_F(ProfileTest, ASpanThatOutlivesItsParentIsNotWithinIt) {
  EXPECT_EQ(lanes({span(1, 0, 0, 100), span(2, 1, 10, 50), span(3, 2, 20, 80)}),
            (Lanes{{"1", 1}, {"2", 1}, {"3", 2}}));
}

TEST_F(ProfileTest, ASpanWhoseParentIsUnknownIsShown) {
  EXPECT_EQ(lanes({span(1, 0, 0, 100), span(7, 6, 10, 20)}), (Lanes{{"1", 1}, {"7", 2}}));
}

TEST_F(ProfileTest, WhatDidNotEndEndsWithTheLastEvent) {
  v1::Event started = span(2, 1, 0, 10);
  started.set_kind(v1::Event::STARTED);
  for (const json& event : written({started, span(1, 0, 0, 100)})) {
    if (event.at("ph") != "X" || event.at("name") != "2") continue;
    EXPECT_EQ(event.at("ts"), 10.0);
    EXPECT_EQ(event.at("dur"), 90.0);
    EXPECT_EQ(event.at("args").at("unfinished"), true);
    return;
  }
  FAIL() << "the span is not there";
}

TEST_F(ProfileTest, AStartWhoseEndIsThereIsOneSlice) {
  v1::Event started = span(1, 0, 0, 0);
  started.set_kind(v1::Event::STARTED);
  EXPECT_EQ(written({started, span(1, 0, 0, 100)}).size(), 3u);  // and the names of two things
}

TEST_F(ProfileTest, MessagesAndLossesAreInstants) {
  v1::Event message;
  message.set_kind(v1::Event::MESSAGE);
  message.set_level(v1::Event::WARN);
  message.set_span(1);
  message.set_time_ns(5000);
  message.set_message("careful \xff");
  v1::Event dropped;
  dropped.set_kind(v1::Event::DROPPED);
  dropped.set_dropped(3);
  dropped.set_message("3 events were dropped");
  std::vector<std::string> instants;
  for (const json& event : written({span(1, 0, 0, 100), message, dropped})) {
    if (event.at("ph") == "i") instants.push_back(event.at("name"));
  }
  EXPECT_EQ(instants, (std::vector<std::string>{"careful \uFFFD", "3 events were dropped"}));
}

TEST_F(ProfileTest, WhatIsKnownOfASpanIsInItsArguments) {
  v1::Event event = span(2, 1, 0, 10);
  event.set_reason("input changed");
  event.set_changed_input("read file a");
  event.set_outcome(v1::Event::UNCHANGED);
  (*event.mutable_metadata())["source"] = "hit_locally";
  const json args = written({event}).back().at("args");
  EXPECT_EQ(args.at("reason"), "input changed");
  EXPECT_EQ(args.at("changed_input"), "read file a");
  EXPECT_EQ(args.at("outcome"), "unchanged");
  EXPECT_EQ(args.at("source"), "hit_locally");
}

}  // namespace
}  // namespace kiln
