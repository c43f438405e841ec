// RecordingSink: keeps what a fetcher gives it.
#pragma once

#include <string>
#include <vector>

#include "daemon/fetch/fetcher.h"

namespace kiln::fetch {

class RecordingSink final : public Sink {
 public:
  Result<void> begin(std::optional<int64_t> size) override {
    announced.push_back(size);
    bytes.clear();
    return {};
  }
  Result<void> append(std::string_view more) override {
    bytes += more;
    if (bytes.size() > limit) return user_error(ErrorCode::kConflict, "the sink has enough");
    return {};
  }

  std::vector<std::optional<int64_t>> announced;  // one for each body
  std::string bytes;                              // of the last
  size_t limit = SIZE_MAX;
};

}  // namespace kiln::fetch
