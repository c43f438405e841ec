// The loader and the libraries of a program, found as the dynamic loader finds them.
//
// What:    the closure of DT_NEEDED. For each name the directories of ld.so(8) in their order:
//          DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, /etc/ld.so.cache, the default ones. Where the
//          processor decides (glibc-hwcaps), all candidates are taken: one too many costs a miss
//          when it is upgraded, one too few would be a wrong answer.
//          Not found: what is loaded later by name (dlopen), and libraries among the inputs.
// Threads: single-owner.
#pragma once

#include <string>

#include "daemon/intrinsics/host/tool_parts.h"

namespace kiln::intrinsics {

// `directory` is where the program stands: $ORIGIN. Empty if it is among the inputs.
Task<Result<void>> add_libraries(HostLookup& host, const ToolEnvironment& environment,
                                 const os::ElfFile& program, std::string directory,
                                 ToolParts& parts);

}  // namespace kiln::intrinsics
