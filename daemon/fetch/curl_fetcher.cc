#include <curl/curl.h>

#include <array>
#include <cstring>
#include <system_error>

#include "common/base/check.h"
#include "daemon/fetch/fetchers.h"

namespace kiln::fetch {

namespace {

constexpr long kMaxRedirects = 10;
// libcurl wakes up by itself when something is due; this is only not to wait for ever.
constexpr int kPollMilliseconds = 60'000;

struct FreeEasy {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { ::curl_multi_cleanup(handle); }
};

Error failure(const Url& url, ErrorCode code, const std::string& what, const std::string& advice) {
  return environment_error(code, "cannot download " + url.shown() + ": " + what + "\n  " + advice);
}
Error wrong(const Url& url, ErrorCode code, const std::string& what, const std::string& advice) {
  return user_error(code, "cannot download " + url.shown() + ": " + what + "\n  " + advice);
}

Error status_error(const Url& url, long status) {
  const std::string what = "the server answers " + std::to_string(status);
  switch (status) {
    case 401:
    case 403:
      return wrong(url, ErrorCode::kPermissionDenied, what,
                   "user name and password for an https: host are taken from ~/.netrc");
    case 407:
      return failure(url, ErrorCode::kPermissionDenied, "the proxy answers 407",
                     "name the proxy with user name and password in http_proxy or https_proxy, and "
                     "`kiln daemon restart`");
    case 404:
    case 410:
      return wrong(url, ErrorCode::kNotFound, what, "check the URL");
    default:
      if (status >= 500) {
        return failure(url, ErrorCode::kUnavailable, what, "the server is in trouble; try later");
      }
      return wrong(url, ErrorCode::kFailedPrecondition, what, "check the URL");
  }
}

// One GET, from start to end.
class Transfer {
 public:
  Transfer(const HttpOptions& options, const Url& url, Sink& sink)
      : url_(url), sink_(sink), easy_(::curl_easy_init()), multi_(::curl_multi_init()) {
    KILN_CHECK(easy_ != nullptr && multi_ != nullptr, "libcurl gives no handle");
    set_source(options);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, detail_.data());
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
    ::curl_multi_add_handle(multi_.get(), easy_.get());
  }
  ~Transfer() { ::curl_multi_remove_handle(multi_.get(), easy_.get()); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<void> run(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { ::curl_multi_wakeup(multi_.get()); });
    int running = 1;
    while (running != 0) {
      if (stop.stop_requested()) return download_cancelled(url_);
      CURLMcode code = ::curl_multi_perform(multi_.get(), &running);
      if (code == CURLM_OK && running != 0) {
        code = ::curl_multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
      }
      if (code != CURLM_OK) {
        return internal_error(std::string("libcurl: ") + ::curl_multi_strerror(code));
      }
    }
    int left = 0;
    const CURLMsg* message = ::curl_multi_info_read(multi_.get(), &left);
    KILN_CHECK(message != nullptr && message->msg == CURLMSG_DONE, "libcurl ended without a word");
    return settle(message->data.result);
  }

  int64_t received() const { return received_; }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    // What may fail here is what decides whom we trust.
    KILN_CHECK(::curl_easy_setopt(easy_.get(), option, value) == CURLE_OK,
               "libcurl refuses an option");
  }

  void set_source(const HttpOptions& options) {
    const bool https = url_.scheme() == Url::Scheme::kHttps;
    set(CURLOPT_URL, url_.text().c_str());
    set(CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
    set(CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMaxRedirects);
    set(CURLOPT_USERAGENT, "kiln/" KILN_VERSION);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.ca_bundle.empty()) set(CURLOPT_CAINFO, options.ca_bundle.c_str());
    if (!https) return;
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    if (!options.netrc.empty()) set(CURLOPT_NETRC_FILE, options.netrc.c_str());
  }

  static size_t on_body(char* data, size_t, size_t size, void* self) noexcept {
    return static_cast<Transfer*>(self)->take({data, size}) ? size : CURL_WRITEFUNC_ERROR;
  }

  // False: enough.
  bool take(std::string_view bytes) {
    // What a server says instead of the file is nobody's content.
    if (!has_file()) return false;
    if (taken_.ok() && !begun_) begin();
    if (taken_.ok()) taken_ = sink_.append(bytes);
    received_ += static_cast<int64_t>(bytes.size());
    return taken_.ok();
  }

  void begin() {
    begun_ = true;
    curl_off_t announced = -1;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    taken_ = sink_.begin(announced < 0 ? std::nullopt : std::optional<int64_t>(announced));
  }

  long status() const {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  bool has_file() const { return status() / 100 == 2; }

  Result<void> settle(CURLcode code) {
    KILN_TRY(taken_);
    if (code != CURLE_OK && code != CURLE_WRITE_ERROR) return transfer_error(code);
    if (!has_file()) return status_error(url_, status());
    if (!begun_) begin();  // the file is empty
    return taken_;
  }

  // What libcurl says of it, and the system.
  std::string detail(CURLcode code) const {
    std::string text = detail_[0] != '\0' ? detail_.data() : ::curl_easy_strerror(code);
    long number = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
    if (number != 0) {
      text += " (" + std::generic_category().message(static_cast<int>(number)) + ")";
    }
    return text;
  }

  Error transfer_error(CURLcode code) const {
    switch (code) {
      case CURLE_UNSUPPORTED_PROTOCOL:
        return wrong(
            url_, ErrorCode::kFailedPrecondition,
            "it redirects to a URL of a kind that is not followed from here",
            "https: may redirect to https: only, http: to both; ask for where it leads, if "
            "that can be trusted");
      case CURLE_TOO_MANY_REDIRECTS:
        return wrong(url_, ErrorCode::kFailedPrecondition,
                     "it redirects more than " + std::to_string(kMaxRedirects) + " times",
                     "check the URL");
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
        return failure(url_, ErrorCode::kPermissionDenied,
                       "the server's certificate is not trusted: " + detail(code),
                       "if it should be, add its authority to those of the system, or to the file "
                       "that SSL_CERT_FILE names, and `kiln daemon restart`");
      case CURLE_COULDNT_RESOLVE_PROXY:
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_CONNECT:
      case CURLE_SSL_CONNECT_ERROR:
        return failure(url_, ErrorCode::kUnavailable, detail(code),
                       "check host and network; a proxy is taken from the environment in which "
                       "the daemon was started (http_proxy, https_proxy, no_proxy)");
      case CURLE_OPERATION_TIMEDOUT:
      case CURLE_GOT_NOTHING:
      case CURLE_SEND_ERROR:
      case CURLE_RECV_ERROR:
      case CURLE_PARTIAL_FILE:
      case CURLE_HTTP2:
      case CURLE_HTTP2_STREAM:
        return failure(url_, ErrorCode::kUnavailable, detail(code),
                       "the connection did not last; try later");
      default:
        return failure(url_, ErrorCode::kFailedPrecondition, detail(code), "check the URL");
    }
  }

  const Url& url_;
  Sink& sink_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  const std::unique_ptr<CURL, FreeEasy> easy_;
  const std::unique_ptr<CURLM, FreeMulti> multi_;
  bool begun_ = false;
  Result<void> taken_;  // by the sink
  int64_t received_ = 0;
};

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(HttpOptions options, Counters& counters)
      : options_(std::move(options)),
        requests_(counters["fetch.requests"]),
        bytes_(counters["fetch.bytes"]) {
    // Counts its callers.
    KILN_CHECK(::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl does not start");
  }
  ~CurlFetcher() override { ::curl_global_cleanup(); }

  Result<void> fetch(const Url& url, Sink& sink, const std::stop_token& stop) override {
    requests_.add();
    Transfer transfer(options_, url, sink);
    Result<void> done = transfer.run(stop);
    bytes_.add(transfer.received());
    return done;
  }

 private:
  const HttpOptions options_;
  Counter& requests_;
  Counter& bytes_;
};

}  // namespace

std::unique_ptr<Fetcher> make_curl_fetcher(HttpOptions options, Counters& counters) {
  return std::make_unique<CurlFetcher>(std::move(options), counters);
}

}  // namespace kiln::fetch
