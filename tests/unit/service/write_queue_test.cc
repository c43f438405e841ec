#include "daemon/service/write_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "daemon/async/scope.h"
#include "kiln/v1/digests.pb.h"

namespace kiln::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Message = v1::ReadFileResponse;

Message message(std::string data) {
  Message message;
  message.set_data(std::move(data));
  return message;
}

class WriteQueueTest : public testing::Test {
 protected:
  ~WriteQueueTest() override {
    executor_.drain();
    scope_.join();
  }

  // gRPC answers the write that is under way.
  void answer(bool ok = true) {
    ASSERT_GT(started_.size(), answered_);
    ++answered_;
    queue_.written(ok);
    executor_.drain();
  }
  void answer_all() {
    while (started_.size() > answered_) answer();
  }
  // Messages until the client counts as slow; one of them is being written.
  void fill() {
    for (size_t i = 0; i < 4; ++i) queue_.push(message(std::string(kSlowBytes / 4, 'x')));
  }
  void send(std::string data) {
    scope_.spawn(executor_, [](WriteQueueTest& test, std::string data) -> Task<void> {
      const bool sent = co_await test.queue_.send(message(data));
      test.sent_.push_back((sent ? "sent " : "dropped ") + data);
    }(*this, std::move(data)));
    executor_.drain();
  }
  // What was written, without the filling.
  std::vector<std::string> written() const {
    std::vector<std::string> texts;
    for (const std::string& data : started_) {
      if (data.front() != 'x') texts.push_back(data);
    }
    return texts;
  }

  ManualExecutor executor_;
  std::vector<std::string> started_;
  size_t answered_ = 0;
  std::vector<std::string> sent_;
  std::vector<grpc::StatusCode> finished_;
  WriteQueue<Message> queue_{executor_,
                             [this](const Message* next) { started_.push_back(next->data()); },
                             [this](const Message* last, const grpc::Status& status) {
                               if (last != nullptr) {  // goes with the status, and is not answered
                                 started_.push_back(last->data());
                                 ++answered_;
                               }
                               finished_.push_back(status.error_code());
                             }};
  Scope scope_;
};

TEST_F(WriteQueueTest, OneWriteAtATimeInOrder) {
  queue_.push(message("1"));
  queue_.push(message("2"));
  EXPECT_TRUE(queue_.offer(message("3")));
  EXPECT_THAT(started_, ElementsAre("1"));
  answer();
  EXPECT_THAT(started_, ElementsAre("1", "2"));
  answer_all();
  EXPECT_THAT(started_, ElementsAre("1", "2", "3"));
}

TEST_F(WriteQueueTest, AnOfferIsRefusedWhileTheClientIsSlow) {
  fill();
  EXPECT_FALSE(queue_.offer(message("late")));
  answer();
  EXPECT_TRUE(queue_.offer(message("in time")));
  answer_all();
  EXPECT_THAT(written(), ElementsAre("in time"));
}

TEST_F(WriteQueueTest, APushIsAlwaysTaken) {
  fill();
  queue_.push(message("pushed"));
  answer_all();
  EXPECT_THAT(written(), ElementsAre("pushed"));
}

TEST_F(WriteQueueTest, ASenderWaitsForRoomAndGoesOn) {
  send("at once");
  EXPECT_THAT(sent_, ElementsAre("sent at once"));
  fill();
  send("waits");
  EXPECT_THAT(sent_, ElementsAre("sent at once"));
  answer();
  answer();
  EXPECT_THAT(sent_, ElementsAre("sent at once", "sent waits"));
  answer_all();
  EXPECT_THAT(written(), ElementsAre("at once", "waits"));
}

TEST_F(WriteQueueTest, ManySendersTakeTurnsAndNoneIsForgotten) {
  fill();
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::to_string(i) + std::string(kSlowBytes / 3, '.'));
    send(all.back());
  }
  EXPECT_THAT(sent_, IsEmpty());
  answer();
  EXPECT_EQ(sent_.size(), 1u) << "one message fills what one left";
  answer_all();
  EXPECT_EQ(sent_.size(), 20u);
  EXPECT_EQ(written(), all);
}

TEST_F(WriteQueueTest, AbandoningWakesEverySenderAndDropsTheRest) {
  fill();
  send("a");
  send("b");
  EXPECT_TRUE(queue_.abandon()) << "a write is under way";
  executor_.drain();
  EXPECT_THAT(sent_, ElementsAre("dropped a", "dropped b"));
  queue_.push(message("c"));
  EXPECT_TRUE(queue_.offer(message("d"))) << "who is gone is not slow";
  send("e");
  EXPECT_THAT(sent_, ElementsAre("dropped a", "dropped b", "dropped e"));
  answer(false);
  EXPECT_EQ(started_.size(), 1u);
  EXPECT_FALSE(queue_.abandon());
}

TEST_F(WriteQueueTest, AFailedWriteAbandons) {
  fill();
  send("a");
  answer(false);
  EXPECT_THAT(sent_, ElementsAre("dropped a"));
  queue_.finish(grpc::Status::CANCELLED);
  EXPECT_THAT(finished_, ElementsAre(grpc::StatusCode::CANCELLED));
}

TEST_F(WriteQueueTest, FinishComesWithTheLastMessage) {
  queue_.push(message("1"));
  queue_.push(message("2"));
  queue_.push(message("3"));
  queue_.finish(grpc::Status::OK);
  answer();
  EXPECT_THAT(started_, ElementsAre("1", "2"));
  EXPECT_THAT(finished_, IsEmpty());
  answer();
  EXPECT_THAT(started_, ElementsAre("1", "2", "3"));
  EXPECT_THAT(finished_, ElementsAre(grpc::StatusCode::OK));
}

TEST_F(WriteQueueTest, FinishWaitsForTheWriteThatIsUnderWay) {
  queue_.push(message("1"));
  queue_.finish(grpc::Status::OK);
  EXPECT_THAT(finished_, IsEmpty());
  answer();
  EXPECT_THAT(finished_, ElementsAre(grpc::StatusCode::OK));
}

TEST_F(WriteQueueTest, APushedLastMessageWaitsForFinish) {
  queue_.push_last(message("last"));
  EXPECT_THAT(started_, IsEmpty());
  queue_.finish(grpc::Status::OK);
  EXPECT_THAT(started_, ElementsAre("last"));
  EXPECT_THAT(finished_, ElementsAre(grpc::StatusCode::OK));
}

TEST_F(WriteQueueTest, WithNothingToWriteFinishIsAtOnce) {
  queue_.finish(grpc::Status::OK);
  EXPECT_THAT(finished_, ElementsAre(grpc::StatusCode::OK));
}

// gRPC's side, senders and pushers on threads of their own.
TEST(WriteQueueThreads, EveryMessageIsWrittenOnceAndTheEndComesLast) {
  constexpr int kSenders = 8;
  constexpr int kEach = 200;
  std::atomic<int> written = 0;
  std::atomic<int> at_the_end = -1;
  std::optional<WriteQueue<Message>> queue;
  ThreadPool pool("senders", 3);
  ThreadPool grpc("grpc", 1);
  queue.emplace(
      pool,
      [&](const Message*) {
        grpc.post([&] {
          ++written;
          queue->written(true);
        });
      },
      [&](const Message* last, const grpc::Status&) {
        at_the_end = written.load() + (last != nullptr ? 1 : 0);
      });
  Scope scope;
  std::atomic<int> left = kSenders;
  for (int i = 0; i < kSenders; ++i) {
    scope.spawn(pool, [](auto& queue, std::atomic<int>& left) -> Task<void> {
      for (int n = 0; n < kEach; ++n) {
        EXPECT_TRUE(co_await queue.send(message(std::string(64 << 10, 'x'))));
      }
      if (left.fetch_sub(1) == 1) queue.finish(grpc::Status::OK);
    }(*queue, left));
  }
  scope.join();
  while (at_the_end < 0) std::this_thread::yield();
  EXPECT_EQ(at_the_end, kSenders * kEach);
}

TEST(WriteQueueThreads, AClientThatGoesAtAnyTimeLeavesNobodyWaiting) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> gone = false;
    std::optional<WriteQueue<Message>> queue;
    ThreadPool pool("senders", 3);
    ThreadPool grpc("grpc", 1);
    queue.emplace(
        pool, [&](const Message*) { grpc.post([&] { queue->written(!gone); }); },
        [](const Message*, const grpc::Status&) {});
    Scope scope;
    for (int i = 0; i < 4; ++i) {
      scope.spawn(pool, [](auto& queue) -> Task<void> {
        while (co_await queue.send(message(std::string(200 << 10, 'x')))) {
        }
      }(*queue));
    }
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    gone = true;
    queue->abandon();
    scope.join();
  }
}

}  // namespace
}  // namespace kiln::service
