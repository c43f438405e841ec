#include "daemon/exec/runners.h"
#include "daemon/exec/tool_check.h"

namespace kiln::exec {
namespace {

class CheckingRunner final : public ProcessRunner {
 public:
  CheckingRunner(ProcessRunner& inner, ToolCheck& check, Executor& blocking, Executor& executor,
                 Counters& counters)
      : inner_(inner),
        check_(check),
        blocking_(blocking),
        executor_(executor),
        changed_(counters["process.tool_changed"]) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    if (request.tool.components.empty()) co_return co_await inner_.run(request);
    const auto look = [&] { return check_.look(request.tool); };
    const auto before = co_await run_blocking(blocking_, executor_, look);
    if (!before.ok()) co_return noted(before.error());
    auto run = co_await inner_.run(request);
    const auto after = co_await run_blocking(blocking_, executor_, look);
    if (!after.ok()) co_return noted(after.error());
    for (size_t i = 0; i < before->size(); ++i) {
      if ((*before)[i] == (*after)[i]) continue;
      co_return noted(tool_changed(request.tool.components[i].path));
    }
    co_return run;
  }

 private:
  Error noted(Error error) {
    changed_.add();
    return error;
  }

  ProcessRunner& inner_;
  ToolCheck& check_;
  Executor& blocking_;
  Executor& executor_;
  Counter& changed_;
};

}  // namespace

Error tool_changed(const std::string& path) {
  return environment_error(ErrorCode::kConflict,
                           printable(path) +
                               " changed while the process that needs it waited or ran; the result "
                               "was thrown away");
}

bool is_tool_changed(const Error& error) {
  return error.code() == ErrorCode::kConflict && error.blame() == Blame::kEnvironment;
}

std::unique_ptr<ProcessRunner> make_checking_runner(ProcessRunner& inner, ToolCheck& check,
                                                    Executor& blocking, Executor& executor,
                                                    Counters& counters) {
  return std::make_unique<CheckingRunner>(inner, check, blocking, executor, counters);
}

}  // namespace kiln::exec
