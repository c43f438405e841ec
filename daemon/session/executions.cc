#include "daemon/session/executions.h"

#include <span>
#include <utility>

#include "daemon/intrinsics/process_runs.h"
#include "daemon/session/digest_operations.h"
#include "daemon/session/queries.h"

namespace kiln::session {

namespace {

ResultSource source_of(const graph::Answer& answer, const exec::RunResult& result) {
  if (!answer.ran) return ResultSource::kMemoized;
  return result.source == exec::Source::kRan ? ResultSource::kRan : ResultSource::kHitLocally;
}

// Bytes that are referred to but not there: damaged, dropped, and to be made again.
bool lost_bytes(const Error& error) {
  return error.code() == ErrorCode::kNotFound && error.blame() == Blame::kEnvironment;
}

// One request's way to its result.
class Execution {
 public:
  Execution(const Engine& engine, const Run& run, const ProcessSpec& spec,
            const ExecuteOptions& options)
      : engine_(engine), run_(run), spec_(spec), options_(options) {}

  // Runs, or remembers; then hands over. `lost` says afterwards what was found to be gone.
  Task<Result<Executed>> attempt() {
    KILN_CO_TRY(co_await resolve());
    auto executed = co_await answer();
    if (!executed.ok()) {
      if (lost_bytes(executed.error())) lost_ = Lost::kInputs;
      co_return executed;
    }
    auto delivered = co_await deliver(*executed);
    if (!delivered.ok()) {
      if (lost_bytes(delivered.error())) lost_ = Lost::kOutputs;
      co_return delivered.error();
    }
    co_return executed;
  }

  // After a failed attempt: forgets what referred to lost bytes. False: nothing was lost.
  bool forget_lost() {
    switch (std::exchange(lost_, Lost::kNothing)) {
      case Lost::kNothing:
        return false;
      case Lost::kInputs:
        if (run_.workspace() != nullptr) engine_.files.look_again(engine_.graph, *run_.workspace());
        return true;
      case Lost::kOutputs:
        engine_.graph.invalidate(std::span(&key_.hash, 1));
        return true;
    }
    return false;
  }

 private:
  enum class Lost : uint8_t { kNothing, kInputs, kOutputs };

  // The inputs, the tool, and with them the node that runs it.
  Task<Result<void>> resolve() {
    KILN_CO_ASSIGN(const Asked<intrinsics::PreparedExecution> prepared, co_await prepare());
    clock_ = prepared.clock;
    warnings_ = prepared.value->warnings;
    tell_warnings(engine_, run_, warnings_);
    action_ = prepared.value->process.parts->action.digest;
    KILN_CO_ASSIGN(key_,
                   node_of<intrinsics::ProcessOutcome>(engine_, run_, prepared.value->process));
    co_return Result<void>();
  }

  Task<Result<Asked<intrinsics::PreparedExecution>>> prepare() {
    intrinsics::ExecutionRequest request{spec_, {}};
    for (const Digest& digest : spec_.input_digests) request.inputs.emplace_back(digest);
    if (spec_.input_globs.empty()) {
      return ask<intrinsics::PreparedExecution>(engine_, run_, std::move(request));
    }
    PathGlobs globs{spec_.input_globs, GlobMatchError::kError, GlobConjunction::kAllMatch,
                    "the inputs of '" + spec_.title() + "'"};
    return ask<intrinsics::PreparedExecution>(
        engine_, run_, intrinsics::WorkspaceExecutionRequest{std::move(request), std::move(globs)});
  }

  Task<Result<Executed>> answer() {
    intrinsics::OutputHub::Handle following;
    if (options_.follower != nullptr) {
      following = engine_.outputs.follow(key_.hash, *options_.follower, options_.keep);
    }
    KILN_CO_ASSIGN(const graph::Answer answer,
                   co_await engine_.graph.request(key_, run_.id(), run_.token()));
    Executed executed{graph::value_as<intrinsics::ProcessOutcome>(answer.value).run,
                      ResultSource::kRan, action_, clock_, warnings_};
    executed.source = source_of(answer, executed.result);
    if (executed.source == ResultSource::kMemoized) engine_.counters["process.memoized"].add();
    if (!answer.ran) executed.result.kept_sandbox.clear();  // it is that other run's
    co_return executed;
  }

  Task<Result<void>> deliver(const Executed& executed) {
    if (options_.write_outputs && run_.workspace() != nullptr) {
      KILN_CO_ASSIGN(store::TreePtr outputs,
                     engine_.store.trees().load(executed.result.result.output_digest));
      KILN_CO_TRY(co_await write_tree(engine_, run_, std::move(outputs), RelPath()));
    }
    if (options_.deliver) co_return co_await options_.deliver(executed);
    co_return Result<void>();
  }

  const Engine& engine_;
  const Run& run_;
  const ProcessSpec& spec_;
  const ExecuteOptions& options_;
  graph::Key key_;
  Digest action_;
  ClockTick clock_;
  std::vector<std::string> warnings_;
  Lost lost_ = Lost::kNothing;
};

}  // namespace

Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options) {
  Execution execution(engine, run, spec, options);
  auto executed = co_await execution.attempt();
  // Once more from what is still there; what is lost twice cannot be made.
  if (!executed.ok() && execution.forget_lost()) executed = co_await execution.attempt();
  co_return executed;
}

}  // namespace kiln::session
