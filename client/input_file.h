// Files that a person names on the command line.
// Threads: stateless.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

// Opens it for reading. What is wrong with it is the person's to mend: a user error, also for a
// directory, which could be opened and not read.
Result<UniqueFd> open_input_file(const std::string& path);

}  // namespace kiln
