#include "daemon/session/executions.h"

#include <span>
#include <utility>

#include "daemon/intrinsics/process_rules.h"
#include "daemon/session/digest_operations.h"

namespace kiln::session {

namespace {

// Everything but the inputs, checked.
Result<exec::Process> checked(const ProcessSpec& spec) {
  if (spec.strict_sandbox) {
    return user_error(ErrorCode::kUnsupported,
                      "the sandbox 'strict' is not supported yet; use plain or auto");
  }
  return intrinsics::checked(spec);
}

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
            const ExecuteOptions& options, exec::Process process)
      : engine_(engine), run_(run), spec_(spec), options_(options), process_(std::move(process)) {}

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

  // The inputs, the tool, and with them the key.
  Task<Result<void>> resolve() {
    std::vector<store::TreePtr> inputs;
    if (!spec_.input_globs.empty()) {
      PathGlobs globs{spec_.input_globs, GlobMatchError::kError, GlobConjunction::kAllMatch,
                      "the inputs of '" + process_.description + "'"};
      KILN_CO_ASSIGN(Captured captured, co_await capture(engine_, run_, std::move(globs)));
      inputs.push_back(std::move(captured.tree));
      warnings_ = std::move(captured.warnings);
      clock_ = captured.clock;
    } else {
      clock_ = engine_.files.watcher().synchronize();
    }
    KILN_CO_ASSIGN(process_.inputs,
                   merged(engine_.store, spec_.input_digests, std::move(inputs))
                       .with_context("as inputs of '" + process_.description + "'"));
    intrinsics::ProcessInput input{process_, {}, {}};
    KILN_CO_ASSIGN(input.tool, co_await engine_.tools.request(engine_.graph, process_, run_.id(),
                                                              run_.token()));
    input.action =
        exec::make_action(process_, input.tool, intrinsics::cache_salt(process_.cache_scope));
    action_ = input.action.digest;
    key_ = engine_.processes.key(std::move(input));
    co_return Result<void>();
  }

  Task<Result<Executed>> answer() {
    intrinsics::OutputHub::Handle following;
    if (options_.follower != nullptr) {
      following = engine_.outputs.follow(key_.hash, *options_.follower, options_.keep);
    }
    KILN_CO_ASSIGN(const graph::Answer answer,
                   co_await engine_.graph.request(key_, run_.id(), run_.token()));
    Executed executed{graph::value_as<intrinsics::ProcessValue>(answer.value).result,
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
  exec::Process process_;
  graph::Key key_;
  Digest action_;
  ClockTick clock_;
  std::vector<std::string> warnings_;
  Lost lost_ = Lost::kNothing;
};

}  // namespace

Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options) {
  KILN_CO_ASSIGN(exec::Process process, checked(spec));
  Execution execution(engine, run, spec, options, std::move(process));
  auto executed = co_await execution.attempt();
  // Once more from what is still there; what is lost twice cannot be made.
  if (!executed.ok() && execution.forget_lost()) executed = co_await execution.attempt();
  co_return executed;
}

}  // namespace kiln::session
