#include "daemon/exec/runners.h"

namespace kiln::exec {
namespace {

class LevelRunner final : public ProcessRunner {
 public:
  LevelRunner(ProcessRunner& plain, ProcessRunner* strict, confine::Support support)
      : plain_(plain), strict_(strict), support_(std::move(support)) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    if (request.process.sandbox == SandboxLevel::kPlain) co_return co_await plain_.run(request);
    if (strict_ != nullptr) co_return co_await strict_->run(request);
    co_return environment_error(
        ErrorCode::kUnsupported,
        "the sandbox level strict is not possible on this machine:\n" + support_.to_string());
  }

 private:
  ProcessRunner& plain_;
  ProcessRunner* const strict_;
  const confine::Support support_;
};

}  // namespace

std::unique_ptr<ProcessRunner> make_level_runner(ProcessRunner& plain, ProcessRunner* strict,
                                                 confine::Support support) {
  return std::make_unique<LevelRunner>(plain, strict, std::move(support));
}

}  // namespace kiln::exec
