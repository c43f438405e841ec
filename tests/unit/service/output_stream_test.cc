#include "daemon/service/output_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/async/scope.h"
#include "daemon/store/memory_store.h"

namespace kiln::service {
namespace {

using Stream = exec::ProcessObserver::Stream;

class OutputStreamTest : public testing::Test {
 protected:
  ~OutputStreamTest() override { scope_.join(); }

  // The client reads on.
  void read_all() {
    while (writing_) {
      writing_ = false;
      queue_.written(true);
      executor_.drain();
    }
  }
  bool live(uint64_t offset, std::string_view bytes) {
    return output_.output(Stream::kStdout, offset, bytes);
  }
  Result<void> complete(const FileDigest& out, const FileDigest& err = {}) {
    std::optional<Result<void>> result;
    store::ActionResult action;
    action.stdout_digest = out;
    action.stderr_digest = err;
    scope_.spawn(executor_, [](auto& test, auto& action, auto& result) -> Task<void> {
      result.emplace(co_await test.output_.complete(test.store_->blobs(), action));
    }(*this, action, result));
    executor_.drain();
    read_all();
    return *result;
  }
  FileDigest stored(std::string_view content) { return *store_->blobs().put(content); }

  ManualExecutor executor_;
  const std::unique_ptr<store::Store> store_ = store::make_memory_store();
  bool writing_ = false;
  std::string out_;
  std::string err_;
  WriteQueue<v1::ExecuteEvent> queue_{
      executor_,
      [this](const v1::ExecuteEvent* event) {
        writing_ = true;
        const v1::ProcessOutput& output = event->output();
        (output.stream() == v1::ProcessOutput::STDOUT ? out_ : err_) += output.data();
      },
      [](const v1::ExecuteEvent*, const grpc::Status&) {}};
  OutputStream output_{queue_};
  Scope scope_;
};

TEST_F(OutputStreamTest, WhatWasTakenLiveIsNotSentAgain) {
  EXPECT_TRUE(live(0, "ab"));
  EXPECT_TRUE(live(2, "cd"));
  read_all();
  EXPECT_TRUE(complete(stored("abcdef"), stored("err")).ok());
  EXPECT_EQ(out_, "abcdef");
  EXPECT_EQ(err_, "err");
}

TEST_F(OutputStreamTest, WhoJoinsLateGetsEverythingFromTheResult) {
  EXPECT_FALSE(live(2, "cd"));
  EXPECT_TRUE(complete(stored("abcd")).ok());
  EXPECT_EQ(out_, "abcd");
}

TEST_F(OutputStreamTest, ASlowClientIsOfferedNoMoreThanItHoldsAndGetsTheRestLater) {
  const std::string part(256 << 10, 'p');
  uint64_t taken = 0;
  while (live(taken, part)) taken += part.size();
  EXPECT_EQ(taken, kSlowBytes) << "bounded";
  std::string whole;
  for (int i = 0; i < 20; ++i) whole += part;
  read_all();
  EXPECT_TRUE(complete(stored(whole)).ok());
  EXPECT_EQ(out_.size(), whole.size());
}

TEST_F(OutputStreamTest, AResultWhoseBytesWereLostIsCompletedByTheNextWithoutRepeating) {
  const FileDigest lost = file_digest_of("never stored");
  EXPECT_FALSE(complete(stored("out"), lost).ok());
  EXPECT_EQ(out_, "out");
  EXPECT_TRUE(complete(stored("out"), stored("err")).ok());
  EXPECT_EQ(out_, "out");
  EXPECT_EQ(err_, "err");
}

}  // namespace
}  // namespace kiln::service
