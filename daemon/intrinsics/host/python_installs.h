// What a Python interpreter imports from: its virtual environment and the packages installed there.
//
// Source:  PEP 405 (pyvenv.cfg), Python's Modules/getpath.py and Lib/site.py; PEP 376 and 660 for
//          what an installation leaves. Which packages a script needs is not known without running
//          it, so all that are installed where it looks are taken.
// Threads: single-owner.
#pragma once

#include <string>

#include "daemon/intrinsics/host/tool_parts.h"

namespace kiln::intrinsics {

bool is_python(std::string_view interpreter);

// `interpreter` as it is started, absolute; `resolved` without symlinks. Adds pyvenv.cfg and lists
// of installed packages, and the base interpreter that pyvenv.cfg names.
Task<Result<void>> add_python(HostLookup& host, const ToolEnvironment& environment,
                              const std::string& interpreter, const std::string& resolved,
                              ToolParts& parts);

}  // namespace kiln::intrinsics
