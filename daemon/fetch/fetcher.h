// Fetcher: one way to get the bytes behind a URL; the stack is made of decorators (fetchers.h).
//
// Threads: thread-safe. Blocking, for as long as the transfer takes.
// Cancels: when `stop` fires fetch() ends at once with kCancelled.
// Fails:   kUnavailable for what may go well at another attempt: no connection, a broken one, a
//          server in trouble. Everything else is final; an error of the sink is handed on.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

#include "common/base/result.h"
#include "daemon/fetch/url.h"

namespace kiln::fetch {

// Where the bytes go. Single-owner. An error ends the transfer before more is received.
class Sink {
 public:
  virtual ~Sink() = default;
  // A body begins; what came before it was in vain. `announced`: its size, if its source says it.
  virtual Result<void> begin(std::optional<int64_t> announced) = 0;
  virtual Result<void> append(std::string_view bytes) = 0;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  virtual Result<void> fetch(const Url& url, Sink& sink, const std::stop_token& stop) = 0;
};

Error download_cancelled(const Url& url);

}  // namespace kiln::fetch
