#include "daemon/intrinsics/process_rules.h"

#include <memory>

#include "common/types/run_parts.h"
#include "daemon/exec/tool_check.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/process_check.h"
#include "daemon/intrinsics/process_runs.h"
#include "daemon/intrinsics/run_tally.h"
#include "daemon/intrinsics/trees.h"
#include "daemon/store/limits.h"
#include "daemon/store/tree_contents.h"

namespace kiln::intrinsics {

namespace {

// A result's stdout and stderr are values in memory; more belongs into a file.
constexpr int64_t kMostOutput = int64_t{16} << 20;

constexpr int kMostToolChanges = 3;

// The level at which a process runs, and what it sees there of the machine.
Result<void> choose_level(const RuleServices& services, const Process& request,
                          const SandboxOptions& options, PreparedProcess::Parts& parts) {
  const bool is_auto = request.sandbox == SandboxChoice::kAuto;
  const SandboxChoice choice = is_auto ? options.level : request.sandbox;
  const bool strict = choice == SandboxChoice::kStrict ||
                      (choice == SandboxChoice::kAuto && services.allows_strict);
  if (!strict) {
    if (choice == SandboxChoice::kAuto) parts.why_plain = services.why_not_strict;
    parts.process.network = exec::Network::kNone;  // not confined, and in no key
    return {};
  }
  parts.process.sandbox = exec::SandboxLevel::kStrict;
  parts.process.host_paths = options.host_paths;
  std::ranges::sort(parts.process.host_paths);
  return confine::check({.network = request.network, .host_paths = parts.process.host_paths})
      .with_context("as an option sandbox.host_paths");
}

Task<Result<PreparedProcess>> prepare(const RuleServices& services, graph::Context& context,
                                      const Process& request, const HostOptions& host,
                                      const SandboxOptions& sandbox) {
  PreparedProcess::Parts parts;
  KILN_CO_ASSIGN(parts.process, checked(request));
  KILN_CO_TRY(choose_level(services, request, sandbox, parts));
  KILN_CO_ASSIGN(parts.process.inputs, co_await services.tree_of(context, request.input_digest));
  KILN_CO_TRY(store::check_listed(*parts.process.inputs));  // a sandbox holds the list
  parts.fingerprint = host.fingerprint;
  KILN_CO_ASSIGN(parts.tool,
                 co_await services.tools->tool_of(context, parts.process, host.fingerprint));
  parts.action =
      exec::make_action(parts.process, parts.tool, exec::policy_of(parts.process.cache_scope).salt);
  co_return PreparedProcess{std::make_shared<const PreparedProcess::Parts>(std::move(parts))};
}

// One input was found to be lost, by chance the first. The others are found now, so that whoever
// brought them brings all of them back before the process runs again.
Task<Result<void>> find_lost_inputs(const RuleServices& services, const store::Tree& inputs,
                                    std::stop_token stop) {
  const Result<size_t> lost = co_await services.where_it_may_block(
      [&] { return store::find_losses(services.store->blobs(), inputs, stop); });
  if (!lost.ok()) co_return lost.error();
  co_return Result<void>();
}

// The tool was not the one of the key while the process ran. Whoever prepared it is hit and
// repeated, with the tool as it is now; but not for ever.
Error retold(const RuleServices& services, const graph::Context& context, RunTally& changes,
             const PreparedProcess::Parts& parts, const Error& error) {
  const Digest without_tool = exec::make_action(parts.process, {}, "").digest;
  const Hash128 what = KeyEncoder("tool_changes").add(without_tool).hash();
  if (changes.count(what, context.run()) >= kMostToolChanges) {
    return environment_error(ErrorCode::kFailedPrecondition,
                             "gave up after " + std::to_string(kMostToolChanges) +
                                 " attempts: " + error.message() +
                                 "\n  wait until it is quiet (an upgrade, a build that makes it), "
                                 "then ask again");
  }
  services.files->watcher().synchronize();
  services.router->forget(services.tools->node_of(parts.process, parts.fingerprint));
  return error;
}

Task<Result<graph::Computed>> run(const RuleServices& services, RunTally& changes,
                                  graph::Context& context, const PreparedProcess& prepared) {
  const auto& [process, tool, action, fingerprint, why_plain] = *prepared.parts;
  KILN_CO_TRY(co_await context.get(services.router->losses(context)));
  const auto observer = services.outputs->open(context.key());
  const exec::RunRequest request{.process = process,
                                 .tool = tool,
                                 .action = action,
                                 .run = whole_of(context.run()),
                                 .span = context.span(),
                                 .keep = services.outputs->keep(context.key()),
                                 .observer = observer.get(),
                                 .stop = context.stop_token()};
  Result<exec::RunResult> result = co_await services.runner->run(request);
  if (!result.ok()) {
    if (store::is_loss(result.error())) {
      KILN_CO_TRY(co_await find_lost_inputs(services, *process.inputs, context.stop_token()));
    }
    services.router->note_loss(context, result.error());
    if (!exec::is_tool_changed(result.error())) co_return result.error();
    co_return retold(services, context, changes, *prepared.parts, result.error());
  }
  const graph::Validity validity = validity_of(*result, process.cache_scope);
  co_return graph::Computed{
      graph::make_value(ProcessOutcome{*std::move(result), context.run(), context.key()}),
      validity};
}

Error missing_outputs_error(const exec::RunResult& run) {
  std::string message = "the process ended well, but not all of its outputs are there:";
  const auto& lines = run.missing_notes.empty() ? run.result.missing_outputs : run.missing_notes;
  for (const std::string& line : lines) message += "\n  " + line;
  Error error = user_error(ErrorCode::kFailedPrecondition, std::move(message));
  if (run.kept_sandbox.empty()) return error;
  return error.with_context("the sandbox was kept: " + run.kept_sandbox);
}

// Always an error. The first time in a run, what is recorded is dropped as well: whoever asked
// reads the outcome's node, so it is hit and repeated, and that makes the outcome again.
Task<Result<RequiredOutcome>> make_again(const RuleServices& services, RunTally& incomplete,
                                         graph::Context& context, const IncompleteRun& request) {
  const ProcessOutcome& outcome = request.outcome;
  const bool is_of_this_run =
      outcome.run.source == exec::Source::kRan && outcome.of_run == context.run();
  if (!is_of_this_run && incomplete.count(outcome.node, context.run()) == 1) {
    if (services.results != nullptr) {
      const Digest action = request.process.parts->action.digest;
      KILN_CO_TRY(
          co_await services.where_it_may_block([&] { return services.results->forget(action); }));
    }
    services.router->forget(outcome.node);
  }
  co_return missing_outputs_error(outcome.run);
}

Result<std::string> text_of(store::BlobStore& blobs, const FileDigest& digest,
                            std::string_view stream) {
  if (digest.size <= kMostOutput) return blobs.get(digest);
  return user_error(ErrorCode::kResourceExhausted,
                    "a process wrote " + std::to_string(digest.size) + " bytes to " +
                        std::string(stream) + ", and a rule may have " +
                        std::to_string(kMostOutput) +
                        " of them; have it write a file that is declared as an output");
}

Result<FallibleProcessResult> result_of(store::Store& store, const exec::RunResult& run) {
  FallibleProcessResult result;
  result.stdout_digest = run.result.stdout_digest;
  result.stderr_digest = run.result.stderr_digest;
  KILN_ASSIGN(result.stdout_text, text_of(store.blobs(), result.stdout_digest, "stdout"));
  KILN_ASSIGN(result.stderr_text, text_of(store.blobs(), result.stderr_digest, "stderr"));
  result.exit_code = run.result.exit_code;
  result.timed_out = run.timed_out;
  KILN_ASSIGN(store::TreePtr outputs, store.trees().load(run.result.output_digest));
  result.output_digest = DirectoryDigest(std::move(outputs));
  return result;
}

Task<Result<FallibleProcessResult>> read_result(const RuleServices& services,
                                                const ProcessOutcome& outcome) {
  auto result =
      co_await services.where_it_may_block([&] { return result_of(*services.store, outcome.run); });
  // Damaged, and dropped: the process makes it again, and who asks is hit and repeated. That the
  // tree is not there at all is a loss too: its digest is one that a process left.
  if (!result.ok() &&
      (store::is_loss(result.error()) || result.error().code() == ErrorCode::kNotFound)) {
    services.router->forget(outcome.node);
  }
  co_return result;
}

rules::Rule<FallibleProcessResult,
            rules::Gets<PreparedProcess(Process), ProcessOutcome(PreparedProcess),
                        RequiredOutcome(RequiredProcess), FallibleProcessResult(ProcessOutcome)>>
execute(const Process& process) {
  const auto& prepared = co_await rules::get<PreparedProcess>(process);
  if (process.require_outputs) {
    const auto& required = co_await rules::get<RequiredOutcome>(RequiredProcess{prepared});
    co_return co_await rules::get<FallibleProcessResult>(required.outcome);
  }
  const auto& outcome = co_await rules::get<ProcessOutcome>(prepared);
  co_return co_await rules::get<FallibleProcessResult>(outcome);
}

rules::Rule<RequiredOutcome,
            rules::Gets<ProcessOutcome(PreparedProcess), RequiredOutcome(IncompleteRun)>>
require_outputs(const RequiredProcess& request) {
  const auto& outcome = co_await rules::get<ProcessOutcome>(request.process);
  if (!outcome.lacks_outputs()) co_return RequiredOutcome{outcome};
  co_return co_await rules::get<RequiredOutcome>(IncompleteRun{request.process, outcome});
}

rules::Rule<PreparedExecution, rules::Gets<DirectoryDigest(MergeDigests), PreparedProcess(Process)>>
prepare_execution(const ExecutionRequest& request) {
  Process process = request.process;
  process.input_digest = co_await rules::get<DirectoryDigest>(MergeDigests{request.inputs});
  co_return PreparedExecution{co_await rules::get<PreparedProcess>(std::move(process)), {}, {}};
}

rules::Rule<PreparedExecution,
            rules::Gets<CapturedTree(PathGlobs), PreparedExecution(ExecutionRequest)>>
prepare_in_workspace(const WorkspaceExecutionRequest& request) {
  const auto& captured = co_await rules::get<CapturedTree>(request.globs);
  ExecutionRequest execution = request.request;
  execution.inputs.push_back(captured.digest);
  const auto& prepared = co_await rules::get<PreparedExecution>(std::move(execution));
  co_return PreparedExecution{prepared.process, captured.warnings, captured.digest};
}

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
  if (result.exit_code != 0) {
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

rules::RuleSet process_rules(const RuleServices& services) {
  rules::RuleSet set;
  set.root<ClientEnvironment>();
  set.options<HostOptions>();
  set.options<SandboxOptions>();
  set.intrinsic<PreparedProcess(Process, HostOptions, SandboxOptions)>(
      "prepare_process", [&services](graph::Context& context, const Process& process,
                                     const HostOptions& host, const SandboxOptions& sandbox) {
        return prepare(services, context, process, host, sandbox);
      });
  set.intrinsic<ProcessOutcome(PreparedProcess)>(
      "run_process", [&services, changes = std::make_shared<RunTally>()](
                         graph::Context& context, const PreparedProcess& prepared) {
        return run(services, *changes, context, prepared);
      });
  set.intrinsic<RequiredOutcome(IncompleteRun)>(
      "make_outputs_again", [&services, incomplete = std::make_shared<RunTally>()](
                                graph::Context& context, const IncompleteRun& request) {
        return make_again(services, *incomplete, context, request);
      });
  set.intrinsic<FallibleProcessResult(ProcessOutcome)>(
      "read_process_result", [&services](graph::Context&, const ProcessOutcome& outcome) {
        return read_result(services, outcome);
      });
  set.add<&execute>();
  set.add<&require_outputs>();
  set.add<&prepare_execution>();
  set.add<&prepare_in_workspace>();
  set.add<&succeed>();
  set.add<&environment>();
  set.query<PreparedExecution(ExecutionRequest)>();
  set.query<PreparedExecution(WorkspaceExecutionRequest)>();
  set.query<ProcessOutcome(PreparedProcess)>();
  set.query<RequiredOutcome(RequiredProcess)>();
  set.query<FallibleProcessResult(Process)>();
  set.query<ProcessResult(Process)>();
  set.query<Environment(EnvironmentRequest)>();
  return set;
}

}  // namespace kiln::intrinsics
