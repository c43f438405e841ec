// Small whole-file helpers and EINTR-safe descriptor I/O, used on both sides of the socket.
// Threads: stateless. Blocking: call on a thread meant for it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

// Opens with O_CLOEXEC. `what` of the error is "open PATH".
Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode = 0);
// All bytes up to end of file.
Result<std::string> read_file(const std::string& path);
Result<std::string> read_all(int fd, std::string_view name);
// Up to `buffer.size()` bytes; 0 at end of file.
Result<size_t> read_some(int fd, std::span<char> buffer, std::string_view name);
Result<void> write_all(int fd, std::string_view bytes, std::string_view name);
// Makes `path` and its missing parents, with `mode` for what it makes.
Result<void> make_directories(const std::string& path, unsigned mode);

}  // namespace kiln
