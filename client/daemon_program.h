// The program kilnd: where it is, and what it says when it is only asked.
// Threads: stateless. Blocks.
#pragma once

#include <string>

#include "common/base/result.h"

namespace kiln {

// $KILN_DAEMON, else `kilnd` beside this program, else ../lib/kiln/kilnd from there.
Result<std::string> daemon_program();

// The standard output of `kilnd OPTION`, for options that start no daemon.
// Fails: if it cannot be started, or ends otherwise than well.
Result<std::string> daemon_output(const std::string& option);

}  // namespace kiln
