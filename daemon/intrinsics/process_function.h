// Processes as nodes: one node for each action, so that equal work runs once, for whoever asks.
//
// Validity: what the cache scope says. A failure under kSuccessful holds for the run that saw it;
//           what timed out holds for nobody.
#pragma once

#include "daemon/exec/runner.h"
#include "daemon/graph/function.h"
#include "daemon/intrinsics/output_hub.h"

namespace kiln::intrinsics {

struct ProcessInput {
  exec::Process process;
  exec::HostTool tool;
  exec::Action action;
  friend bool operator==(const ProcessInput& a, const ProcessInput& b) {
    return a.action.digest == b.action.digest && a.process.cache_scope == b.process.cache_scope;
  }
};

struct ProcessValue {
  exec::RunResult result;
  RunId run;  // that made it
  // How it came about is no part of what it is.
  friend bool operator==(const ProcessValue& a, const ProcessValue& b) {
    const auto& x = a.result.result;
    const auto& y = b.result.result;
    return x.exit_code == y.exit_code && x.stdout_digest == y.stdout_digest &&
           x.stderr_digest == y.stderr_digest && x.output_digest == y.output_digest &&
           x.missing_outputs == y.missing_outputs && a.result.timed_out == b.result.timed_out;
  }
};

class ProcessFunction final : public graph::Function {
 public:
  ProcessFunction(exec::ProcessRunner& runner, OutputHub& hub) : runner_(runner), hub_(hub) {}

  graph::Key key(ProcessInput input) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  static Hash128 hash_of(const ProcessInput& input);

  exec::ProcessRunner& runner_;
  OutputHub& hub_;
};

// What separates the actions of a scope from those that may be shared for ever; part of the key.
std::string_view cache_salt(exec::CacheScope scope);

}  // namespace kiln::intrinsics
