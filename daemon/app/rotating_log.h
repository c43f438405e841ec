// The daemon's log: a file that is rotated at 4 MiB, three old ones kept. Lines are flushed as they
// come; they are few, and the last ones before a crash are the ones that matter.
// Threads: thread-safe.
#pragma once

#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"

namespace spdlog {
class logger;
}  // namespace spdlog

namespace kiln::app {

class RotatingLog final : public Log {
 public:
  // Makes the file's directory.
  static Result<std::unique_ptr<RotatingLog>> open(const std::string& path);
  ~RotatingLog() override;

  void write(LogLevel level, std::string_view message) override;

 private:
  explicit RotatingLog(std::shared_ptr<spdlog::logger> logger);
  const std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace kiln::app
