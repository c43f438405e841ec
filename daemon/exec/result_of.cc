#include "daemon/exec/result_of.h"

#include "daemon/exec/capture.h"

namespace kiln::exec {
namespace {

// timeout(1)'s.
constexpr int kTimedOutCode = 124;

}  // namespace

Result<RunResult> collect_result(int sandbox_fd, const RunRequest& request, const Ended& ended,
                                 OutputSink& out, OutputSink& err, store::Store& store) {
  RunResult run;
  run.timed_out = ended.timed_out;
  run.level = request.process.sandbox;
  store::ActionResult& result = run.result;
  // Whatever code a process found for its end: it did not come to one by itself.
  result.exit_code = ended.timed_out ? kTimedOutCode : ended.status.exit_code;
  result.wall_seconds = std::chrono::duration<double>(ended.wall).count();
  result.user_seconds = ended.status.user_seconds;
  result.system_seconds = ended.status.system_seconds;
  result.peak_memory_bytes = ended.status.peak_memory_bytes;
  KILN_ASSIGN(result.stdout_digest, out.finish());
  KILN_ASSIGN(result.stderr_digest, err.finish());
  if (ended.timed_out) return run;  // what it left is in no known state
  KILN_ASSIGN(const Capture capture,
              capture_outputs(sandbox_fd, request.process, store.files(), request.stop));
  KILN_TRY(store.trees().save(capture.tree));
  result.output_digest = capture.tree->digest();
  for (const MissingOutput& output : capture.missing) {
    result.missing_outputs.push_back(output.path.str());
    run.missing_notes.push_back(output.path.str() + " " + output.why);
  }
  return run;
}

bool is_kept(KeepSandboxes wish, const Result<RunResult>& result) {
  const bool failed = !result.ok() || result->result.exit_code != 0 || result->timed_out;
  switch (wish) {
    case KeepSandboxes::kNever:
      return false;
    case KeepSandboxes::kOnFailure:
      return failed;
    case KeepSandboxes::kOnFailureOrMissingOutput:
      return failed || !result->result.missing_outputs.empty();
    case KeepSandboxes::kAlways:
      return true;
  }
  return false;
}

Error process_cancelled() {
  return user_error(ErrorCode::kCancelled, "the process was cancelled: nobody waits for it");
}

}  // namespace kiln::exec
