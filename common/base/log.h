// Log: where a component says what no caller is there to hear. Errors go to callers as Results;
// a log line is for the person who reads `kiln daemon log`.
// Threads: implementations are thread-safe.
#pragma once

#include <string_view>

namespace kiln {

enum class LogLevel : int { kTrace, kDebug, kInfo, kWarn, kError };

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view message) = 0;

  void debug(std::string_view message) { write(LogLevel::kDebug, message); }
  void info(std::string_view message) { write(LogLevel::kInfo, message); }
  void warn(std::string_view message) { write(LogLevel::kWarn, message); }
  void error(std::string_view message) { write(LogLevel::kError, message); }
};

}  // namespace kiln
