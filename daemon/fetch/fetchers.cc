#include "daemon/fetch/fetchers.h"

namespace kiln::fetch {

namespace {

class ByScheme final : public Fetcher {
 public:
  ByScheme(std::unique_ptr<Fetcher> http, std::unique_ptr<Fetcher> file)
      : http_(std::move(http)), file_(std::move(file)) {}

  Result<void> fetch(const Url& url, Sink& sink, const std::stop_token& stop) override {
    Fetcher& fetcher = url.scheme() == Url::Scheme::kFile ? *file_ : *http_;
    return fetcher.fetch(url, sink, stop);
  }

 private:
  const std::unique_ptr<Fetcher> http_;
  const std::unique_ptr<Fetcher> file_;
};

}  // namespace

Error download_cancelled(const Url& url) {
  return user_error(ErrorCode::kCancelled, "the download of " + url.shown() + " was cancelled");
}

std::unique_ptr<Fetcher> make_fetcher(HttpOptions options, Counters& counters) {
  auto http = make_retrying_fetcher(make_curl_fetcher(std::move(options), counters), RetryPolicy(),
                                    pause_thread, counters);
  return std::make_unique<ByScheme>(std::move(http), make_file_fetcher());
}

}  // namespace kiln::fetch
