#include "daemon/exec/result_of.h"

#include "daemon/exec/capture.h"

namespace kiln::exec {

Result<RunResult> collect_result(int sandbox_fd, const Process& process, const Ended& ended,
                                 OutputSink& out, OutputSink& err, store::Store& store) {
  RunResult run;
  run.timed_out = ended.timed_out;
  run.level = process.sandbox;
  store::ActionResult& result = run.result;
  result.exit_code = ended.status.exit_code;
  result.wall_seconds = std::chrono::duration<double>(ended.wall).count();
  result.user_seconds = ended.status.user_seconds;
  result.system_seconds = ended.status.system_seconds;
  result.peak_memory_bytes = ended.status.peak_memory_bytes;
  KILN_ASSIGN(result.stdout_digest, out.finish());
  KILN_ASSIGN(result.stderr_digest, err.finish());
  if (ended.timed_out) return run;  // what it left is in no known state
  KILN_ASSIGN(const Capture capture, capture_outputs(sandbox_fd, process, store.files()));
  if (process.require_outputs && result.exit_code == 0 && !capture.missing.empty()) {
    return missing_outputs_error(capture.missing);
  }
  KILN_TRY(store.trees().save(capture.tree));
  result.output_digest = capture.tree->digest();
  for (const MissingOutput& output : capture.missing) {
    result.missing_outputs.push_back(output.path.str());
  }
  return run;
}

}  // namespace kiln::exec
