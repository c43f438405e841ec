// ProcessSpec: a process as a caller asks for it.
#pragma once

#include <string>
#include <vector>

#include "common/types/digest.h"
#include "daemon/intrinsics/process_values.h"

namespace kiln::session {

// A process as the caller wrote it: paths unchecked, inputs not resolved.
struct ProcessSpec : intrinsics::Process {
  std::vector<Digest> input_digests;     // merged, together with
  std::vector<std::string> input_globs;  // files of the workspace; each must match
  bool no_ignore = false;                // no rule hides files from the globs
};

}  // namespace kiln::session
