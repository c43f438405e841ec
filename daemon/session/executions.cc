#include "daemon/session/executions.h"

#include <algorithm>
#include <cmath>

#include "daemon/session/digest_operations.h"

namespace kiln::session {

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

// Everything but the inputs, checked.
Result<exec::Process> checked(const ProcessSpec& spec) {
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
  if (spec.strict_sandbox) {
    return user_error(ErrorCode::kUnsupported,
                      "the sandbox 'strict' is not supported yet; use plain or auto");
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

ResultSource source_of(const graph::Answer& answer, const exec::RunResult& result) {
  if (!answer.ran) return ResultSource::kMemoized;
  return result.source == exec::Source::kRan ? ResultSource::kRan : ResultSource::kHitLocally;
}

}  // namespace

Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options) {
  KILN_CO_ASSIGN(exec::Process process, checked(spec));
  Executed executed;
  std::vector<store::TreePtr> inputs;
  if (!spec.input_globs.empty()) {
    PathGlobs globs{std::move(spec.input_globs), GlobMatchError::kError, GlobConjunction::kAllMatch,
                    "the inputs of '" + process.description + "'"};
    KILN_CO_ASSIGN(Captured captured, co_await capture(engine, run, std::move(globs)));
    inputs.push_back(std::move(captured.tree));
    executed.warnings = std::move(captured.warnings);
    executed.clock = captured.clock;
  } else {
    executed.clock = engine.files.watcher().synchronize();
  }
  KILN_CO_ASSIGN(process.inputs, merged(engine.store, spec.input_digests, std::move(inputs))
                                     .with_context("as inputs of '" + process.description + "'"));

  intrinsics::ProcessInput input{std::move(process), {}, {}};
  KILN_CO_ASSIGN(input.tool, exec::resolve_tool(input.process, [&](const std::string& path) {
                   return engine.tools.digest(path);
                 }));
  input.action = exec::make_action(input.process, input.tool,
                                   intrinsics::cache_salt(input.process.cache_scope));
  executed.action = input.action.digest;
  const graph::Key key = engine.processes.key(std::move(input));

  intrinsics::OutputHub::Handle following;
  if (options.follower != nullptr) {
    following = engine.outputs.follow(key.hash, *options.follower, options.keep);
  }
  KILN_CO_ASSIGN(const graph::Answer answer,
                 co_await engine.graph.request(key, run.id(), run.token()));
  executed.result = graph::value_as<intrinsics::ProcessValue>(answer.value).result;
  executed.source = source_of(answer, executed.result);
  if (executed.source == ResultSource::kMemoized) engine.counters["process.memoized"].add();
  if (!answer.ran) executed.result.kept_sandbox.clear();  // it is that other run's

  if (options.write_outputs && run.workspace() != nullptr) {
    KILN_CO_ASSIGN(const store::TreePtr outputs,
                   engine.store.trees().load(executed.result.result.output_digest));
    KILN_CO_TRY(co_await write_tree(engine, run, outputs, RelPath()));
  }
  co_return executed;
}

}  // namespace kiln::session
