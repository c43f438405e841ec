// What the built-in rules stand on.
//
// Rules are compiled before any of it is there, so that a daemon whose rules do not fit together
// opens nothing and can be asked what is wrong (`kilnd --check-rules`). Whoever composes a daemon
// fills this in before the first rule runs.
#pragma once

#include "daemon/exec/runner.h"
#include "daemon/fetch/downloads.h"
#include "daemon/intrinsics/file_system.h"
#include "daemon/intrinsics/host_tool_function.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// All outlive the rules' last run.
struct RuleServices {
  FileSystem* files = nullptr;
  store::Store* store = nullptr;
  exec::ProcessRunner* runner = nullptr;
  OutputHub* outputs = nullptr;
  HostToolFunction* tools = nullptr;
  ChangeRouter* router = nullptr;
  fetch::Downloads* downloads = nullptr;
};

}  // namespace kiln::intrinsics
