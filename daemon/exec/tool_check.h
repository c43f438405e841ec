// ToolCheck: whether the tool of a process is still what its key says.
//
// What:    look() is called right before a process starts and right after it ended. Components are
//          compared with the key by content (remembered by stat), the two looks by stat: a tool
//          that was another one for a moment in between is noticed.
// Threads: thread-safe. Blocking.
// Fails:   tool_changed(), naming the component that is another one than the key says.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/exec/process.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

// One for each component of a tool.
using ToolStates = std::vector<store::FileStat>;

class ToolCheck {
 public:
  virtual ~ToolCheck() = default;
  virtual Result<ToolStates> look(const HostTool& tool) = 0;
};

// A result that was thrown away, because the tool that ran may not be the one in the key.
Error tool_changed(const std::string& path);
bool is_tool_changed(const Error& error);

}  // namespace kiln::exec
