// The fetchers, and how they stand on one another:
//
//   by scheme ─┬─ retrying → curl   (https:, http:)
//              └─ file              (file:)
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "daemon/fetch/fetcher.h"
#include "daemon/trace/counters.h"

namespace kiln::fetch {

struct HttpOptions {
  std::string ca_bundle;  // a file of the authorities to trust; empty: the system's
  std::string netrc;      // a file of user names and passwords by host; empty: ~/.netrc
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{60};  // without a byte
};

// Certificates are always verified. Redirects are followed, ten at most, to https: and, from http:,
// to http:. The proxy is that of the environment (http_proxy, https_proxy, all_proxy, no_proxy).
// Names and passwords of the netrc file go to https: hosts only.
std::unique_ptr<Fetcher> make_curl_fetcher(HttpOptions options, Counters& counters);

// Regular files of this machine; anything else, which might never end, is refused.
std::unique_ptr<Fetcher> make_file_fetcher();

struct RetryPolicy {
  int attempts = 4;
  std::chrono::milliseconds first_pause{250};  // and twice the last one from then on
};
// Blocks for so long, or until `stop` fires.
using Pause = std::function<void(std::chrono::milliseconds, const std::stop_token& stop)>;
void pause_thread(std::chrono::milliseconds duration, const std::stop_token& stop);

// Repeats what ends in kUnavailable.
std::unique_ptr<Fetcher> make_retrying_fetcher(std::unique_ptr<Fetcher> inner, RetryPolicy policy,
                                               Pause pause, Counters& counters);

// The whole stack.
std::unique_ptr<Fetcher> make_fetcher(HttpOptions options, Counters& counters);

}  // namespace kiln::fetch
