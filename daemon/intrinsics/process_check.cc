#include "daemon/intrinsics/process_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kiln::intrinsics {

namespace {

// Beyond this a deadline is no deadline, and nanoseconds overflow.
constexpr double kMaxTimeoutSeconds = 10.0 * 365 * 24 * 3600;

Result<std::vector<RelPath>> output_paths(const std::vector<std::string>& paths,
                                          std::string_view what) {
  std::vector<RelPath> parsed;
  for (const std::string& text : paths) {
    KILN_ASSIGN(RelPath path,
                RelPath::parse(text).with_context("as an output " + std::string(what)));
    if (path.is_root() && what == "file") {
      return user_error(ErrorCode::kInvalidArgument,
                        "'" + text + "' cannot be an output file: it is the working directory");
    }
    parsed.push_back(std::move(path));
  }
  std::sort(parsed.begin(), parsed.end());
  parsed.erase(std::unique(parsed.begin(), parsed.end()), parsed.end());
  return parsed;
}

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

}  // namespace

Result<exec::Process> checked(const Process& spec) {
  exec::Process process;
  if (spec.argv.empty() || spec.argv.front().empty()) {
    return user_error(ErrorCode::kInvalidArgument, "a process needs a command: argv is empty");
  }
  for (const std::string& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) {
      return user_error(ErrorCode::kInvalidArgument,
                        "the argument '" + printable(argument) + "' contains a NUL byte");
    }
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos || value.find('\0') != std::string::npos) {
      return user_error(ErrorCode::kInvalidArgument,
                        "'" + printable(name) +
                            "' cannot be an environment variable: names are "
                            "not empty and hold no '=', and nothing holds a NUL byte");
    }
  }
  if (!std::isfinite(spec.timeout_seconds) || spec.timeout_seconds < 0 ||
      spec.timeout_seconds > kMaxTimeoutSeconds) {
    return user_error(ErrorCode::kInvalidArgument,
                      "a timeout is a number of seconds, 0 for none or up to " +
                          shown(kMaxTimeoutSeconds) + " (ten years), not " +
                          shown(spec.timeout_seconds));
  }
  if (spec.timeout_seconds > 0) {
    process.timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(spec.timeout_seconds));
  }
  process.argv = spec.argv;
  process.description = spec.description.empty() ? spec.argv.front() : spec.description;
  process.env = spec.env;
  KILN_ASSIGN(process.working_directory,
              RelPath::parse(spec.working_directory).with_context("as the working directory"));
  KILN_ASSIGN(process.output_files, output_paths(spec.output_files, "file"));
  KILN_ASSIGN(process.output_directories, output_paths(spec.output_directories, "directory"));
  process.cache_scope = spec.cache_scope;
  process.network = spec.network;
  return process;
}

}  // namespace kiln::intrinsics
