// Events on their way to clients that read, that read late, and that are gone.
#include "daemon/service/event_channel.h"

#include <gtest/gtest.h>

#include "kiln/v1/processes.pb.h"

namespace kiln::service {
namespace {

class EventChannelTest : public testing::Test {
 protected:
  // The channel of a client that reads when the test says so.
  EventChannelTest() {
    scope.spawn(executor, [](EventChannelTest& test) -> Task<void> {
      test.sent =
          (co_await test.channel.send_to(test.queue, &v1::ExecuteEvent::mutable_progress)).ok();
    }(*this));
    executor.drain();
  }
  ~EventChannelTest() override {
    channel.stream().end();
    queue.abandon();
    executor.drain();
    scope.join();
  }
  void publish(std::string text) {
    trace::Event event;
    event.message = std::move(text);
    channel.stream().publish(std::move(event));
    executor.drain();
  }
  // Reads all that there is.
  void read() {
    while (writing != nullptr) {
      const v1::Event& event = std::exchange(writing, nullptr)->progress();
      ++read_;
      dropped += event.dropped();
      queue.written(true);
      executor.drain();
    }
  }

  ManualExecutor executor;
  const v1::ExecuteEvent* writing = nullptr;
  WriteQueue<v1::ExecuteEvent> queue{executor,
                                     [this](const v1::ExecuteEvent* event) { writing = event; },
                                     [](const v1::ExecuteEvent*, const grpc::Status&) {}};
  EventChannel channel{executor, trace::Level::kTrace};
  std::optional<bool> sent;
  uint64_t read_ = 0;
  uint64_t dropped = 0;
  Scope scope;
};

TEST_F(EventChannelTest, SendsWhatIsPublishedAndEndsWithTheStream) {
  publish("1");
  publish("2");
  read();
  publish("3");
  EXPECT_FALSE(sent.has_value());
  channel.stream().end();
  executor.drain();
  EXPECT_EQ(sent, true);
  read();
  EXPECT_EQ(read_, 3u);
}

TEST_F(EventChannelTest, AClientThatReadsLateGetsTheLastAndHowManyItMissed) {
  constexpr uint64_t kEvents = 30'000;
  for (uint64_t i = 0; i < kEvents; ++i) publish(std::string(1000, 'x'));
  channel.stream().end();
  executor.drain();
  EXPECT_FALSE(sent.has_value());  // it waits for the client, and nobody else does
  read();
  EXPECT_EQ(sent, true);
  EXPECT_GT(dropped, 0u);
  EXPECT_LT(read_, 15'000u);  // 8 MiB, and what is on its way
  EXPECT_EQ(read_ - 1 + dropped, kEvents);
}

TEST_F(EventChannelTest, AClientThatIsGoneEndsIt) {
  publish("1");
  queue.abandon();
  publish("2");
  EXPECT_EQ(sent, false);
  publish("3");
  EXPECT_TRUE(channel.stream().take().empty());
}

}  // namespace
}  // namespace kiln::service
