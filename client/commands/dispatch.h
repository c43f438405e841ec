// From the arguments of the process to its exit code.
#pragma once

#include <string>
#include <vector>

#include "client/console.h"
#include "client/interrupt.h"

namespace kiln {

// Runs the command that `arguments` name (without the program's name) and tells its errors.
int run_command_line(std::vector<std::string> arguments, Console& console, Interrupt& interrupt);

}  // namespace kiln
