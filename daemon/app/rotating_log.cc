#include "daemon/app/rotating_log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include "common/base/file.h"

namespace kiln::app {

namespace {

constexpr size_t kMaxBytes = size_t{4} << 20;
constexpr size_t kOldFiles = 3;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

RotatingLog::RotatingLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
RotatingLog::~RotatingLog() = default;

Result<std::unique_ptr<RotatingLog>> RotatingLog::open(const std::string& path) {
  KILN_TRY(make_directories(path.substr(0, path.rfind('/')), 0700));
  try {
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, kMaxBytes, kOldFiles);
    auto logger = std::make_shared<spdlog::logger>("kilnd", std::move(sink));
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %P %l %v");
    logger->flush_on(spdlog::level::trace);
    // A full disk must not end the daemon, nor be shouted at a terminal that is gone.
    logger->set_error_handler([](const std::string&) {});
    return std::unique_ptr<RotatingLog>(new RotatingLog(std::move(logger)));
  } catch (const spdlog::spdlog_ex& failure) {
    return environment_error(ErrorCode::kPermissionDenied,
                             "cannot open the log " + path + ": " + failure.what());
  }
}

void RotatingLog::write(LogLevel level, std::string_view message) {
  logger_->log(level_of(level), spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace kiln::app
