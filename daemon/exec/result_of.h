// The result of a process that has ended: its streams, its outputs, its times.
//
// Threads: stateless. Blocking.
// Fails:   outputs that cannot be captured, or that are required and missing.
#pragma once

#include "common/base/result.h"
#include "daemon/exec/output_sink.h"
#include "daemon/exec/runner.h"
#include "daemon/exec/supervise.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

// Nobody can change the sandbox any more. Every blob and tree that the result names is stored.
Result<RunResult> collect_result(int sandbox_fd, const Process& process, const Ended& ended,
                                 OutputSink& out, OutputSink& err, store::Store& store);

}  // namespace kiln::exec
