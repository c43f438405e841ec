#include "daemon/session/executions.h"

#include <span>
#include <utility>

#include "daemon/exec/tool_check.h"
#include "daemon/intrinsics/process_runs.h"
#include "daemon/session/digest_operations.h"
#include "daemon/session/missing_inputs.h"
#include "daemon/session/preparation.h"
#include "daemon/store/tree_contents.h"

namespace kiln::session {

namespace {

// How this caller came by an outcome that was found out for the run `of_run`.
ResultSource source_of(bool ran_for_caller, exec::Source source) {
  if (!ran_for_caller) return ResultSource::kMemoized;
  switch (source) {
    case exec::Source::kRan:
      return ResultSource::kRan;
    case exec::Source::kRemembered:
      return ResultSource::kMemoized;
    case exec::Source::kHitLocally:
      return ResultSource::kHitLocally;
  }
  return ResultSource::kMemoized;
}

// Whether this caller, alone, would have had the sandbox of such a result kept.
bool asked_for_sandbox(exec::KeepSandboxes wish, const exec::RunResult& run) {
  switch (wish) {
    case exec::KeepSandboxes::kNever:
      return false;
    case exec::KeepSandboxes::kOnFailure:
      return exec::ending_of(run) != exec::Ending::kSuccess;
    case exec::KeepSandboxes::kOnFailureOrMissingOutput:
      return exec::ending_of(run) != exec::Ending::kSuccess || !run.result.missing_outputs.empty();
    case exec::KeepSandboxes::kAlways:
      return true;
  }
  return false;
}

// How often one request has what was lost made again: outputs, and then the inputs they are made
// of.
constexpr int kMostRepeats = 2;

// One request's way to its result.
class Execution {
 public:
  Execution(const Engine& engine, const Run& run, const ProcessSpec& spec,
            const ExecuteOptions& options)
      : engine_(engine), run_(run), spec_(spec), options_(options), keep_(options.keep) {
    if (spec.require_outputs && keep_ == exec::KeepSandboxes::kOnFailure) {
      keep_ = exec::KeepSandboxes::kOnFailureOrMissingOutput;
    }
  }

  // Runs, or remembers; then hands over. `lost` says afterwards what was found to be gone.
  Task<Result<Executed>> attempt() {
    auto executed = co_await resolve_and_answer();
    if (!executed.ok()) {
      if (store::is_loss(executed.error())) lost_ = Lost::kInputs;
      if (exec::is_tool_changed(executed.error())) lost_ = Lost::kTool;
      co_return executed;
    }
    auto delivered = co_await deliver(*executed);
    if (!delivered.ok()) {
      if (store::is_loss(delivered.error())) {
        lost_ = Lost::kOutputs;
        co_await find_lost_outputs(executed->result.result);
      }
      co_return delivered.error();
    }
    co_return executed;
  }

  // After a failed attempt: forgets what it was answered from and is no more: lost bytes, a tool
  // that was replaced. False: another attempt would not help.
  bool forget_lost() {
    const Lost lost = std::exchange(lost_, Lost::kNothing);
    // What is lost again and again cannot be made. How often a tool may change, its node counts.
    if (lost != Lost::kTool && lost != Lost::kNothing && repeats_++ == kMostRepeats) return false;
    switch (lost) {
      case Lost::kNothing:
        return false;
      case Lost::kTool:  // forgotten by the process's node
        return true;
      case Lost::kInputs:
        if (run_.workspace() != nullptr) engine_.files.look_again(engine_.graph, *run_.workspace());
        return true;
      case Lost::kOutputs:
        engine_.graph.invalidate(std::span(&process_node_, 1));
        return true;
    }
    return false;
  }

 private:
  enum class Lost : uint8_t { kNothing, kInputs, kOutputs, kTool };

  Task<Result<Executed>> resolve_and_answer() {
    captured_at_ = intrinsics::file_clock_now();
    Result<void> resolved = co_await resolve();
    if (!resolved.ok())
      co_return explained(co_await with_missing_command(resolved.error())).error();
    co_return co_await answer();
  }

  // One output was found to be lost, by chance the first. A process that runs again stores what is
  // missing only, so what else is damaged has to be found before.
  Task<void> find_lost_outputs(const store::ActionResult& result) {
    co_await run_blocking(engine_.blocking, engine_.home, [&] {
      store::BlobStore& blobs = engine_.store.blobs();
      (void)blobs.reader(result.stdout_digest);
      (void)blobs.reader(result.stderr_digest);
      const auto tree = engine_.store.trees().load(result.output_digest);
      if (tree.ok()) (void)store::find_losses(blobs, **tree, run_.token());
    });
  }

  // The inputs, the tool, and with them the node that runs it.
  Task<Result<void>> resolve() {
    KILN_CO_ASSIGN(const Asked<intrinsics::PreparedExecution> prepared,
                   co_await prepare(engine_, run_, spec_));
    clock_ = prepared.clock;
    warnings_ = warnings_of(*prepared.value);
    captured_ = prepared.value->captured.tree;
    process_ = prepared.value->process.parts;
    working_directory_ = process_->process.working_directory;
    tell_warnings(engine_, run_, warnings_);
    action_ = prepared.value->process.parts->action.digest;
    const intrinsics::PreparedProcess& process = prepared.value->process;
    KILN_CO_ASSIGN(key_, node_of<intrinsics::ProcessOutcome>(engine_, run_, process));
    process_node_ = key_.hash;
    if (spec_.require_outputs) {
      KILN_CO_ASSIGN(key_, node_of<intrinsics::RequiredOutcome>(
                               engine_, run_, intrinsics::RequiredProcess{process}));
    }
    co_return Result<void>();
  }

  // Whoever asked for a sandbox is told why there is none.
  Result<void> explained(Result<void> resolved) const {
    if (resolved.ok() || keep_ == exec::KeepSandboxes::kNever) return resolved;
    return std::move(resolved).with_context(
        "no sandbox was made, so none is kept: the process was not started");
  }

  Task<Result<Executed>> answer() {
    const intrinsics::OutputHub::Handle following =
        engine_.outputs.follow(process_node_, options_.follower, keep_);
    KILN_CO_ASSIGN(const graph::Answer answer,
                   co_await engine_.graph.request(key_, run_.id(), run_.token()));
    const intrinsics::ProcessOutcome& outcome = outcome_of(answer.value);
    const bool ran = answer.ran && outcome.of_run == run_.id();
    Executed executed{outcome.run, source_of(ran, outcome.run.source), action_, clock_, warnings_,
                      {}};
    if (executed.source == ResultSource::kMemoized) engine_.counters["process.memoized"].add();
    const bool saw_it_run = ran || answer.joined;
    if (!saw_it_run || !asked_for_sandbox(keep_, outcome.run)) executed.result.kept_sandbox.clear();
    if (outcome.run.result.exit_code != 0 && run_.workspace() != nullptr) {
      executed.missing_inputs = co_await find_missing_inputs(outcome.run.result);
    }
    co_return executed;
  }

  // Nothing ran, so there is no output that would name it.
  Task<Result<void>> with_missing_command(Error error) const {
    if (error.code() != ErrorCode::kCommandNotFound || run_.workspace() == nullptr) co_return error;
    const std::string path = co_await run_where_files_are([&] {
      return command_in_workspace(run_.workspace()->root(), spec_.working_directory,
                                  spec_.argv.front());
    });
    if (path.empty()) co_return error;
    co_return user_error(
        error.code(),
        error.message() + "; it is in the workspace: add --input //" + printable(path));
  }

  // `f` touches the workspace.
  template <class F>
  Task<std::invoke_result_t<F>> run_where_files_are(F f) const {
    Executor* lane = engine_.files.lane_of(*run_.workspace());
    return run_blocking(lane == nullptr ? engine_.blocking : *lane, engine_.home, std::move(f));
  }

  // From how the process's output begins. Output that is lost gives no hint.
  Task<std::vector<std::string>> find_missing_inputs(const store::ActionResult& result) {
    constexpr size_t kMostOutput = size_t{256} << 10;
    co_return co_await run_where_files_are([&] {
      std::string output;
      for (const FileDigest& digest : {result.stderr_digest, result.stdout_digest}) {
        const auto reader = engine_.store.blobs().reader(digest);
        const auto bytes = reader.ok() ? (*reader)->next(kMostOutput) : reader.error();
        if (bytes.ok()) output += *bytes + "\n";
      }
      return missing_inputs(run_.workspace()->root(), process_->process, output);
    });
  }

  const intrinsics::ProcessOutcome& outcome_of(const graph::ValueRef& value) const {
    return spec_.require_outputs ? graph::value_as<intrinsics::RequiredOutcome>(value).outcome
                                 : graph::value_as<intrinsics::ProcessOutcome>(value);
  }

  Result<store::TreePtr> outputs_of(const store::ActionResult& result) const {
    auto tree = engine_.store.trees().load(result.output_digest);
    if (tree.ok() || tree.error().code() != ErrorCode::kNotFound) return tree;
    return environment_error(ErrorCode::kNotFound, tree.error().message());  // a loss
  }

  Task<Result<void>> deliver(const Executed& executed) {
    // First, so that the caller has what the process said also if its outputs cannot be written.
    if (options_.deliver) KILN_CO_TRY(co_await options_.deliver(executed));
    if (writes_outputs_of(executed.result) && run_.workspace() != nullptr) {
      KILN_CO_ASSIGN(store::TreePtr outputs, outputs_of(executed.result.result));
      KILN_CO_TRY(co_await write_tree(engine_, run_, std::move(outputs), working_directory_,
                                      {.captured = captured_, .captured_at = captured_at_}));
    }
    co_return Result<void>();
  }

  bool writes_outputs_of(const exec::RunResult& result) const {
    if (options_.write_outputs != WriteOutputs::kOnSuccess) {
      return options_.write_outputs == WriteOutputs::kAlways;
    }
    return result.result.exit_code == 0 && !result.timed_out;
  }

  const Engine& engine_;
  const Run& run_;
  const ProcessSpec& spec_;
  const ExecuteOptions& options_;
  exec::KeepSandboxes keep_;
  graph::Key key_;        // of what the caller is answered with
  Hash128 process_node_;  // of the process that it is an outcome of
  Digest action_;
  ClockTick clock_;
  std::vector<std::string> warnings_;
  store::TreePtr captured_;  // of the workspace, before it was merged with other inputs
  int64_t captured_at_ = 0;  // no later than that
  std::shared_ptr<const intrinsics::PreparedProcess::Parts> process_;
  RelPath working_directory_;
  Lost lost_ = Lost::kNothing;
  int repeats_ = 0;  // for lost bytes
};

}  // namespace

Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options) {
  Execution execution(engine, run, spec, options);
  auto executed = co_await execution.attempt();
  while (!executed.ok() && execution.forget_lost()) executed = co_await execution.attempt();
  co_return executed;
}

}  // namespace kiln::session
