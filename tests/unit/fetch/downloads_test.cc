#include "daemon/fetch/downloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/types/hash.h"
#include "daemon/async/sync_wait.h"
#include "daemon/store/memory_store.h"

namespace kiln::fetch {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Has one file, and gives it in pieces of three bytes.
class PiecewiseFetcher final : public Fetcher {
 public:
  Result<void> fetch(const Url&, Sink& sink, const std::stop_token&) override {
    ++asked;
    if (breaks) {
      KILN_TRY(sink.begin(std::nullopt));
      KILN_TRY(sink.append("not all of it"));
    }
    KILN_TRY(sink.begin(announces ? std::optional<int64_t>(content.size()) : std::nullopt));
    for (size_t at = 0; at < content.size(); at += 3) {
      given = at + 3;
      KILN_TRY(sink.append(std::string_view(content).substr(at, 3)));
    }
    return {};
  }

  std::string content;
  bool announces = true;
  bool breaks = false;  // and begins anew
  int asked = 0;
  size_t given = 0;  // bytes
};

class DownloadsTest : public testing::Test {
 protected:
  Result<void> download(const FileDigest& expected) {
    return sync_wait(home_, downloads_.download(*Url::parse("https://example.com/f"), expected,
                                                stop_.get_token()));
  }
  std::string failure(const FileDigest& expected) {
    const auto downloaded = download(expected);
    EXPECT_FALSE(downloaded.ok());
    if (downloaded.ok()) return "";
    EXPECT_EQ(exit_code(downloaded.error().code(), downloaded.error().blame()), 2);
    return downloaded.error().to_string();
  }
  bool holds(const FileDigest& digest) {
    return store_->blobs().find_missing(std::span(&digest, 1))->empty();
  }

  PiecewiseFetcher fetcher_;
  const std::unique_ptr<store::Store> store_ = store::make_memory_store();
  ThreadPool home_{"home", 1};
  ThreadPool transfers_{"transfers", 1};
  Counters counters_;
  Downloads downloads_{fetcher_, store_->blobs(), transfers_, home_, counters_};
  std::stop_source stop_;
};

TEST_F(DownloadsTest, WhatWasExpectedIsInTheStore) {
  fetcher_.content = std::string(100'000, 'x');
  const FileDigest digest = file_digest_of(fetcher_.content);
  ASSERT_TRUE(download(digest).ok());
  EXPECT_EQ(*store_->blobs().get(digest), fetcher_.content);
}

TEST_F(DownloadsTest, WhatTheStoreHoldsIsNotAskedFor) {
  const FileDigest digest = *store_->blobs().put("known");
  fetcher_.content = "something else by now";
  EXPECT_TRUE(download(digest).ok());
  EXPECT_TRUE(download(FileDigest()).ok());  // the empty file is always there
  EXPECT_EQ(fetcher_.asked, 0);
  EXPECT_EQ(counters_["fetch.found"].value(), 2);
}

TEST_F(DownloadsTest, AnotherFileIsRefusedWithBothDigestsAndNotKept) {
  fetcher_.content = "other";
  const FileDigest expected = file_digest_of("right");
  const FileDigest received = file_digest_of("other");
  EXPECT_THAT(failure(expected), AllOf(HasSubstr("https://example.com/f"),
                                       HasSubstr("expected " + to_string(expected)),
                                       HasSubstr("received " + to_string(received))));
  EXPECT_FALSE(holds(received));
  EXPECT_FALSE(holds(expected));
}

TEST_F(DownloadsTest, AFileThatIsTooShortIsAnother) {
  fetcher_.content = "righ";
  EXPECT_THAT(failure(file_digest_of("right")), HasSubstr(to_string(file_digest_of("righ"))));
}

TEST_F(DownloadsTest, AnnouncedToBeTooLongItIsNotReceived) {
  fetcher_.content = std::string(1000, 'x');
  EXPECT_THAT(failure(file_digest_of("right")), HasSubstr("1000 bytes"));
  EXPECT_EQ(fetcher_.given, 0u);
}

TEST_F(DownloadsTest, NoMoreIsReceivedThanTheSize) {
  fetcher_.content = std::string(1000, 'x');
  fetcher_.announces = false;
  EXPECT_THAT(failure(file_digest_of("right")), HasSubstr("more than 5 bytes"));
  EXPECT_EQ(fetcher_.given, 6u);
}

TEST_F(DownloadsTest, WhatBeganAnewCountsAlone) {
  fetcher_.content = "the whole of it";
  fetcher_.breaks = true;
  const FileDigest digest = file_digest_of(fetcher_.content);
  ASSERT_TRUE(download(digest).ok());
  EXPECT_EQ(*store_->blobs().get(digest), fetcher_.content);
}

TEST_F(DownloadsTest, WhatIsCancelledInTheQueueIsNotAskedFor) {
  fetcher_.content = "x";
  stop_.request_stop();
  const auto downloaded = download(file_digest_of("x"));
  ASSERT_FALSE(downloaded.ok());
  EXPECT_EQ(downloaded.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(fetcher_.asked, 0);
}

}  // namespace
}  // namespace kiln::fetch
