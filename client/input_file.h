// Files that a person names on the command line.
//
// Cancels: SIGINT and SIGTERM end the client in every wait here, whatever the file is: a FIFO that
//          nobody writes to, a terminal, a file of a network mount that does not answer.
// Threads: stateless.
#pragma once

#include <span>
#include <string>

#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

// Opens it for reading, without waiting for a FIFO's writer. What is wrong with it is the person's
// to mend: a user error, also for a directory, which could be opened and not read.
Result<UniqueFd> open_input_file(const std::string& path, const Interrupt& interrupt);

// Whether reading gives bytes, the end or an error at once, as far as poll(2) can tell: it says so
// of every regular file. False for a FIFO that no writer has opened yet.
bool is_readable(int fd);

// Some bytes; 0 at the end. For a descriptor that is_readable().
Result<size_t> read_input(int fd, std::span<char> buffer, const std::string& name,
                          const Interrupt& interrupt);

// All of it, once there is something to read.
Result<std::string> read_whole_input(int fd, const std::string& name, const Interrupt& interrupt);

}  // namespace kiln
