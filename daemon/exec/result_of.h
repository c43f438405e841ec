// The result of a process that has ended: its streams, its outputs, its times.
//
// Threads: stateless. Blocking.
#pragma once

#include "common/base/result.h"
#include "daemon/exec/output_sink.h"
#include "daemon/exec/runner.h"
#include "daemon/exec/supervise.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

// Nobody can change the sandbox any more. Every blob and tree that the result names is stored. An
// error if the outputs cannot be captured.
Result<RunResult> collect_result(int sandbox_fd, const RunRequest& request, const Ended& ended,
                                 OutputSink& out, OutputSink& err, store::Store& store);

// Whether the sandbox of such a result is kept.
bool is_kept(KeepSandboxes wish, const Result<RunResult>& result);

// Of a process that was cancelled before or while it ran.
Error process_cancelled();

}  // namespace kiln::exec
