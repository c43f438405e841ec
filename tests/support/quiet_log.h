// QuietLog: for who must have a log that nobody reads.
#pragma once

#include "common/base/log.h"

namespace kiln::test {

class QuietLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

}  // namespace kiln::test
