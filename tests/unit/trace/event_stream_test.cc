// Readers that keep up, that are slow, and that never come.
#include "daemon/trace/event_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace kiln::trace {
namespace {

using Texts = std::vector<std::string>;

Event message(std::string text, Level level = Level::kInfo) {
  Event event;
  event.level = level;
  event.message = std::move(text);
  return event;
}

// What is there to take; for what was dropped, how many.
Texts taken(EventStream& stream) {
  Texts texts;
  for (const Event& event : stream.take()) {
    const bool dropped = event.kind == EventKind::kDropped;
    texts.push_back(dropped ? "dropped " + std::to_string(event.dropped) : event.message);
  }
  return texts;
}

TEST(EventStream, GivesEventsInTheOrderOfPublishingWhateverTheirLevel) {
  EventStream stream(Level::kTrace, [] {});
  stream.publish(message("1", Level::kTrace));
  stream.publish(message("2", Level::kError));
  stream.publish(message("3", Level::kDebug));
  EXPECT_EQ(taken(stream), (Texts{"1", "2", "3"}));
  EXPECT_EQ(taken(stream), Texts{});
}

TEST(EventStream, GivesSoManyAtMostAndTheRestLater) {
  EventStream stream(Level::kTrace, [] {}, {.events = 3, .bytes = 1 << 20});
  for (int i = 1; i <= 5; ++i) {
    stream.publish(message(std::to_string(i), i % 2 == 0 ? Level::kInfo : Level::kTrace));
  }
  // 1 and 3 went; so did nothing else.
  EXPECT_EQ(stream.take(1).front().dropped, 2u);
  EXPECT_EQ(stream.take(2).size(), 2u);
  EXPECT_EQ(taken(stream), Texts{"5"});
  EXPECT_EQ(taken(stream), Texts{});
}

TEST(EventStream, TakesNothingThatIsLessImportantThanItsLevel) {
  EventStream stream(Level::kInfo, [] {});
  EXPECT_TRUE(stream.wants(Level::kInfo));
  EXPECT_FALSE(stream.wants(Level::kDebug));
  stream.publish(message("debug", Level::kDebug));
  stream.publish(message("warn", Level::kWarn));
  EXPECT_EQ(taken(stream), Texts{"warn"});
}

TEST(EventStream, ForASlowReaderDropsTheOldestOfTheLeastLevelAndSaysHowMany) {
  EventStream stream(Level::kTrace, [] {}, {.events = 3, .bytes = 1 << 20});
  stream.publish(message("error", Level::kError));
  stream.publish(message("trace 1", Level::kTrace));
  stream.publish(message("trace 2", Level::kTrace));
  stream.publish(message("info 1", Level::kInfo));
  stream.publish(message("info 2", Level::kInfo));
  EXPECT_EQ(taken(stream), (Texts{"error", "dropped 2", "info 1", "info 2"}));
  stream.publish(message("later"));
  EXPECT_EQ(taken(stream), Texts{"later"});
}

TEST(EventStream, DropsANewEventThatIsLessImportantThanAllThatWait) {
  EventStream stream(Level::kTrace, [] {}, {.events = 2, .bytes = 1 << 20});
  stream.publish(message("1"));
  stream.publish(message("2"));
  stream.publish(message("trace", Level::kTrace));
  EXPECT_EQ(taken(stream), (Texts{"1", "2", "dropped 1"}));
}

TEST(EventStream, IsBoundedInBytes) {
  constexpr size_t kLimit = 100'000;
  EventStream stream(Level::kTrace, [] {}, {.events = 1 << 20, .bytes = kLimit});
  for (int i = 0; i < 1000; ++i) stream.publish(message(std::string(1000, 'x')));
  const std::vector<Event> events = stream.take();
  size_t bytes = 0;
  for (const Event& event : events) bytes += event.bytes();
  EXPECT_LE(bytes, kLimit + events.front().bytes());
  EXPECT_GT(events.size(), 10u);
  EXPECT_EQ(events.front().dropped + events.size() - 1, 1000u);
}

TEST(EventStream, AnEventThatIsTooLargeForItIsDropped) {
  EventStream stream(Level::kTrace, [] {}, {.events = 10, .bytes = 2000});
  stream.publish(message(std::string(5000, 'x')));
  EXPECT_EQ(taken(stream), Texts{"dropped 1"});
}

TEST(EventStream, TellsItsReaderOnceUntilItTook) {
  int ready = 0;
  EventStream stream(Level::kInfo, [&ready] { ++ready; });
  stream.publish(message("1"));
  stream.publish(message("2"));
  EXPECT_EQ(ready, 1);
  taken(stream);
  stream.publish(message("3"));
  EXPECT_EQ(ready, 2);
}

TEST(EventStream, EndsOnceAndKeepsWhatWaits) {
  int ready = 0;
  EventStream stream(Level::kInfo, [&ready] { ++ready; });
  stream.publish(message("1"));
  stream.end();
  stream.end();
  stream.publish(message("2"));
  EXPECT_EQ(ready, 2);
  EXPECT_TRUE(stream.ended());
  EXPECT_EQ(taken(stream), Texts{"1"});
}

TEST(EventStream, AReaderThatIsGoneLeavesNothingBehind) {
  EventStream stream(Level::kInfo, [] {});
  stream.publish(message("1"));
  stream.abandon();
  stream.publish(message("2"));
  EXPECT_EQ(taken(stream), Texts{});
}

// Nobody takes: the publishers go on, and what is kept is bounded.
TEST(EventStream, AnAbsentReaderHoldsNobodyUp) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  EventStream stream(Level::kTrace, [] {}, {.events = 100, .bytes = 1 << 20});
  std::vector<std::thread> publishers;
  for (int i = 0; i < kThreads; ++i) {
    publishers.emplace_back([&stream] {
      for (int n = 0; n < kEach; ++n) stream.publish(message("x", Level::kDebug));
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  const std::vector<Event> events = stream.take();
  ASSERT_EQ(events.size(), 101u);
  EXPECT_EQ(events.front().dropped, kThreads * kEach - 100u);
}

TEST(EventStream, WithAReaderBesideEveryEventIsTakenOrCounted) {
  constexpr uint64_t kEvents = 20000;
  std::atomic<uint64_t> seen{0};
  EventStream stream(Level::kTrace, [] {}, {.events = 50, .bytes = 1 << 20});
  std::thread publisher([&stream] {
    for (uint64_t n = 0; n < kEvents; ++n) stream.publish(message("x"));
    stream.end();
  });
  for (bool ended = false; !ended;) {
    ended = stream.ended();
    for (const Event& event : stream.take()) {
      seen += event.kind == EventKind::kDropped ? event.dropped : 1;
    }
  }
  publisher.join();
  EXPECT_EQ(seen, kEvents);
}

}  // namespace
}  // namespace kiln::trace
