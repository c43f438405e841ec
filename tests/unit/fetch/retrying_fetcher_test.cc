#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "daemon/fetch/fetchers.h"
#include "tests/unit/fetch/recording_sink.h"

namespace kiln::fetch {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Ends as it was told to, one ending for each attempt.
class ScriptedFetcher final : public Fetcher {
 public:
  explicit ScriptedFetcher(std::deque<Result<void>>& endings) : endings_(endings) {}
  Result<void> fetch(const Url&, Sink&, const std::stop_token&) override {
    Result<void> ending = endings_.front();
    endings_.pop_front();
    return ending;
  }

 private:
  std::deque<Result<void>>& endings_;
};

class RetryingFetcherTest : public testing::Test {
 protected:
  Result<void> fetch() {
    const auto pause = [this](milliseconds duration, const std::stop_token&) {
      pauses_.push_back(duration);
      if (stop_in_pause_) stop_.request_stop();
    };
    const auto fetcher = make_retrying_fetcher(std::make_unique<ScriptedFetcher>(endings_),
                                               {4, milliseconds(100)}, pause, counters_);
    RecordingSink sink;
    return fetcher->fetch(*Url::parse("https://example.com/x"), sink, stop_.get_token());
  }
  static Error trouble() { return environment_error(ErrorCode::kUnavailable, "trouble"); }

  std::deque<Result<void>> endings_;
  std::vector<milliseconds> pauses_;
  bool stop_in_pause_ = false;
  std::stop_source stop_;
  Counters counters_;
};

TEST_F(RetryingFetcherTest, TroubleIsOvercomeWithGrowingPauses) {
  endings_ = {trouble(), trouble(), trouble(), Result<void>()};
  EXPECT_TRUE(fetch().ok());
  EXPECT_THAT(pauses_, ElementsAre(milliseconds(100), milliseconds(200), milliseconds(400)));
  EXPECT_EQ(counters_["fetch.retried"].value(), 3);
}

TEST_F(RetryingFetcherTest, LastingTroubleIsAnErrorThatSaysHowOftenItWasTried) {
  endings_ = {trouble(), trouble(), trouble(), trouble()};
  const auto fetched = fetch();
  ASSERT_FALSE(fetched.ok());
  EXPECT_EQ(fetched.error().to_string(), "trouble\n  after 4 attempts");
  EXPECT_EQ(pauses_.size(), 3u);
}

TEST_F(RetryingFetcherTest, AnyOtherErrorIsFinal) {
  endings_ = {trouble(), user_error(ErrorCode::kNotFound, "final")};
  const auto fetched = fetch();
  ASSERT_FALSE(fetched.ok());
  EXPECT_EQ(fetched.error().to_string(), "final");
  EXPECT_THAT(endings_, IsEmpty());
}

TEST_F(RetryingFetcherTest, WhoIsCancelledInAPauseDoesNotTryAgain) {
  endings_ = {trouble(), Result<void>()};
  stop_in_pause_ = true;
  const auto fetched = fetch();
  ASSERT_FALSE(fetched.ok());
  EXPECT_EQ(fetched.error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(fetched.error().message(), HasSubstr("https://example.com/x"));
  EXPECT_EQ(endings_.size(), 1u);
}

TEST(PauseThreadTest, EndsWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  pause_thread(std::chrono::hours(1), stop.get_token());
}

TEST(PauseThreadTest, LastsAsLongAsItShould) {
  const auto begin = std::chrono::steady_clock::now();
  pause_thread(milliseconds(5), std::stop_token());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(5));
}

}  // namespace
}  // namespace kiln::fetch
