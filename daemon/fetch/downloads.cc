#include "daemon/fetch/downloads.h"

#include <memory>
#include <span>

#include "common/types/hash.h"

namespace kiln::fetch {

namespace {

Error unexpected(const Url& url, const FileDigest& expected, const std::string& received) {
  return user_error(ErrorCode::kConflict, "the file at " + url.shown() +
                                              " is not the one that was expected"
                                              "\n  expected " +
                                              to_string(expected) + "\n  received " + received +
                                              "\n  correct the expected digest, if what is there "
                                              "now can be trusted");
}

// Into the store, if it is what was expected.
class VerifyingSink final : public Sink {
 public:
  VerifyingSink(store::BlobStore& blobs, const Url& url, const FileDigest& expected)
      : blobs_(blobs), url_(url), expected_(expected) {}

  Result<void> begin(std::optional<int64_t> announced) override {
    if (announced && *announced > expected_.size) {
      return unexpected(url_, expected_,
                        "a file of " + std::to_string(*announced) + " bytes, by its announcement");
    }
    KILN_ASSIGN(writer_, blobs_.writer());
    hasher_ = Sha256Hasher();
    size_ = 0;
    return {};
  }

  Result<void> append(std::string_view bytes) override {
    size_ += static_cast<int64_t>(bytes.size());
    if (size_ > expected_.size) {
      return unexpected(url_, expected_, "more than " + std::to_string(expected_.size) + " bytes");
    }
    hasher_.update(bytes);
    return writer_->append(bytes);
  }

  // After the last byte.
  Result<void> finish() {
    const FileDigest received = hasher_.finish();
    // Not finished, the writer leaves nothing in the store.
    if (received != expected_) return unexpected(url_, expected_, to_string(received));
    KILN_TRY(writer_->finish());
    return {};
  }

 private:
  store::BlobStore& blobs_;
  const Url& url_;
  const FileDigest expected_;
  std::unique_ptr<store::BlobWriter> writer_;
  Sha256Hasher hasher_;
  int64_t size_ = 0;
};

}  // namespace

Downloads::Downloads(Fetcher& fetcher, store::BlobStore& blobs, Executor& transfers, Executor& home,
                     Counters& counters)
    : fetcher_(fetcher),
      blobs_(blobs),
      transfers_(transfers),
      home_(home),
      found_(counters["fetch.found"]),
      downloaded_(counters["fetch.downloaded"]) {}

Task<Result<void>> Downloads::download(Url url, FileDigest expected, std::stop_token stop) {
  KILN_CO_ASSIGN(const auto missing, blobs_.find_missing(std::span(&expected, 1)));
  if (missing.empty()) {
    found_.add();
    co_return Result<void>();
  }
  co_return co_await run_blocking(transfers_, home_, [&]() -> Result<void> {
    if (stop.stop_requested()) return download_cancelled(url);
    VerifyingSink sink(blobs_, url, expected);
    KILN_TRY(fetcher_.fetch(url, sink, stop));
    KILN_TRY(sink.finish());
    downloaded_.add();
    return {};
  });
}

}  // namespace kiln::fetch
