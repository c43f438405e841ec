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

bool is_cache_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool overlap(const RelPath& one, const RelPath& other) {
  return one.is_root() || other.is_root() || one == other ||
         one.str().starts_with(other.str() + "/") || other.str().starts_with(one.str() + "/");
}

// An output that holds a cache would hold what other processes put there.
Result<void> check_caches(const std::map<std::string, std::string>& caches,
                          exec::Process& process) {
  for (const auto& [name, text] : caches) {
    if (!is_cache_name(name)) {
      return user_error(ErrorCode::kInvalidArgument,
                        "'" + printable(name) +
                            "' cannot name an append-only cache: names are made of a-z, 0-9 and _");
    }
    KILN_ASSIGN(RelPath path,
                RelPath::parse(text).with_context("as the place of the cache '" + name + "'"));
    for (const auto* outputs : {&process.output_files, &process.output_directories}) {
      for (const RelPath& output : *outputs) {
        if (!overlap(process.working_directory.join(output), path)) continue;
        return user_error(ErrorCode::kInvalidArgument, "the cache '" + name + "' at '" + text +
                                                           "' and the output '" + output.str() +
                                                           "' overlap: a cache is in no result");
      }
    }
    if (path.is_root()) {
      return user_error(ErrorCode::kInvalidArgument,
                        "the cache '" + name + "' cannot be the sandbox itself");
    }
    process.append_only_caches.emplace(name, std::move(path));
  }
  return {};
}

Result<void> check_slot_variable(const Process& spec) {
  const std::string& name = spec.execution_slot_variable;
  if (name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
      spec.env.contains(name)) {
    return user_error(ErrorCode::kInvalidArgument,
                      "'" + printable(name) +
                          "' cannot be the variable of the slot: it holds '=' or a NUL byte, or "
                          "is set in the environment as well");
  }
  return {};
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
  KILN_TRY(check_caches(spec.append_only_caches, process));
  KILN_TRY(check_slot_variable(spec));
  process.execution_slot_variable = spec.execution_slot_variable;
  return process;
}

}  // namespace kiln::intrinsics
