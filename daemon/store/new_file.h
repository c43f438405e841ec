// New files in directories that are open already: no path is walked.
// Threads: stateless. Blocking.
// Fails:   os_error naming the file; what was begun is removed.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::store {

inline constexpr unsigned kPlainMode = 0644;
inline constexpr unsigned kExecutableMode = 0755;
inline constexpr unsigned kReadOnlyMode = 0444;
inline constexpr unsigned kReadOnlyExecutableMode = 0555;

// Makes the file `name`, lets `fill(fd)` write its content, and gives it exactly this mode
// (whatever the umask) and mtime. kAlreadyExists if something has that name. Removes the file if it
// fails.
Result<void> make_new_file(int dir_fd, const char* name, unsigned mode, int64_t mtime,
                           const std::function<Result<void>(int fd)>& fill);

// The regular file `name` for reading, symlinks not followed; kFailedPrecondition if it is none.
Result<UniqueFd> open_to_adopt(int dir_fd, const char* name);

// Makes the empty file `target` equal to `source`: by a reflink where the file system has them,
// else range by range, so that holes stay holes. Moves the offset of both. kCancelled on `stop`.
Result<void> copy_content(int source, int target, const char* name, const std::stop_token& stop);

// Writes `bytes` at the offset of `fd`, where the file ends, but leaves holes where whole blocks
// are zero. A file that ends in a hole has its length only after finish_sparse().
Result<void> append_sparse(int fd, std::string_view bytes, std::string_view name);
Result<void> finish_sparse(int fd, int64_t size, std::string_view name);

// Sets the mode and the mtime that a finished file has.
Result<void> seal_file(int fd, unsigned mode, int64_t mtime, const char* name);

// What an operation on files answers once its `stop` has fired.
Error stopped();

}  // namespace kiln::store
