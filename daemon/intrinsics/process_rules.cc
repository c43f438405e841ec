#include "daemon/intrinsics/process_rules.h"

#include <algorithm>
#include <cmath>

#include "daemon/intrinsics/trees.h"

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

// A result's stdout and stderr are values in memory; more belongs into a file.
constexpr int64_t kMostOutput = int64_t{16} << 20;

// One application of the rule for processes.
class Running {
 public:
  Running(const RuleServices& services, graph::Context& context)
      : services_(services), context_(context) {}

  Task<Result<FallibleProcessResult>> run(const Process& request) {
    KILN_CO_ASSIGN(exec::Process process, checked(request));
    KILN_CO_ASSIGN(process.inputs, tree_of(*services_.store, request.input_digest));
    KILN_CO_ASSIGN(exec::HostTool tool, co_await services_.tools->tool_of(context_, process));
    exec::Action action = exec::make_action(process, tool, cache_salt(process.cache_scope));
    const graph::Key key =
        services_.processes->key({std::move(process), std::move(tool), std::move(action)});
    KILN_CO_ASSIGN(const graph::ValueRef value, co_await context_.get(key));
    const exec::RunResult& run = graph::value_as<ProcessValue>(value).result;
    auto result = result_of(run);
    // Damaged, and dropped: the process makes it again, and this node is hit and repeated.
    if (!result.ok() && result.error().code() == ErrorCode::kNotFound) {
      services_.router->forget(key.hash);
    }
    co_return result;
  }

 private:
  Result<FallibleProcessResult> result_of(const exec::RunResult& run) {
    FallibleProcessResult result;
    result.stdout_digest = run.result.stdout_digest;
    result.stderr_digest = run.result.stderr_digest;
    KILN_ASSIGN(result.stdout_text, text(result.stdout_digest, "stdout"));
    KILN_ASSIGN(result.stderr_text, text(result.stderr_digest, "stderr"));
    result.exit_code = run.result.exit_code;
    result.timed_out = run.timed_out;
    KILN_ASSIGN(store::TreePtr outputs, services_.store->trees().load(run.result.output_digest));
    result.output_digest = DirectoryDigest(std::move(outputs));
    return result;
  }

  Result<std::string> text(const FileDigest& digest, std::string_view stream) {
    if (digest.size <= kMostOutput) return services_.store->blobs().get(digest);
    return user_error(ErrorCode::kResourceExhausted,
                      "a process wrote " + std::to_string(digest.size) + " bytes to " +
                          std::string(stream) + ", and a rule may have " +
                          std::to_string(kMostOutput) +
                          " of them; have it write a file that is declared as an output");
  }

  const RuleServices& services_;
  graph::Context& context_;
};

std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& argument : argv) line += (line.empty() ? "" : " ") + printable(argument);
  return line;
}

std::string how_it_ended(const FallibleProcessResult& result) {
  if (result.timed_out) return "timed out";
  if (result.exit_code < 0) return "was ended by signal " + std::to_string(-result.exit_code);
  return "failed with exit code " + std::to_string(result.exit_code);
}

rules::Rule<ProcessResult, rules::Gets<FallibleProcessResult(Process)>> succeed(
    const Process& process) {
  const auto& result = co_await rules::get<FallibleProcessResult>(process);
  if (result.exit_code != 0 || result.timed_out) {
    const std::string& what =
        process.description.empty() ? process.argv.front() : process.description;
    co_return user_error(ErrorCode::kFailedPrecondition,
                         "'" + what + "' " + how_it_ended(result) +
                             "\n  command: " + command_line(process.argv) + "\n  stdout:\n" +
                             result.stdout_text + "\n  stderr:\n" + result.stderr_text +
                             "\n  --keep-sandboxes=on_failure keeps its sandbox");
  }
  co_return ProcessResult{result.stdout_text, result.stdout_digest, result.stderr_text,
                          result.stderr_digest, result.output_digest};
}

rules::Rule<Environment> environment(const EnvironmentRequest& request,
                                     const ClientEnvironment& client) {
  Environment environment;
  for (const std::string& name : request.names) {
    const auto variable = client.variables.find(name);
    if (variable != client.variables.end()) environment.variables.insert(*variable);
  }
  co_return environment;
}

}  // namespace

std::map<std::string, Digest> FallibleProcessResult::artifacts() const {
  if (output_digest.digest.empty()) return {};
  return {{"output", output_digest.digest}};
}

size_t footprint(const FallibleProcessResult& result) {
  return result.stdout_text.capacity() + result.stderr_text.capacity();
}
size_t footprint(const ProcessResult& result) {
  return result.stdout_text.capacity() + result.stderr_text.capacity();
}

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
                      "a timeout is a number of seconds above 0, or 0 for none");
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
  process.require_outputs = spec.require_outputs;
  process.cache_scope = spec.cache_scope;
  return process;
}

rules::RuleSet process_rules(const RuleServices& services) {
  rules::RuleSet set;
  set.root<ClientEnvironment>();
  set.intrinsic<FallibleProcessResult(Process)>(
      "run_process",
      [&services](graph::Context& context,
                  const Process& process) -> Task<Result<FallibleProcessResult>> {
        Running running(services, context);
        co_return co_await running.run(process);
      });
  set.add<&succeed>();
  set.add<&environment>();
  set.query<FallibleProcessResult(Process)>();
  set.query<ProcessResult(Process)>();
  set.query<Environment(EnvironmentRequest)>();
  return set;
}

}  // namespace kiln::intrinsics
