// New files in directories that are open already: no path is walked.
// Threads: stateless. Blocking.
// Fails:   os_error naming the file; what was begun is removed.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::store {

inline constexpr unsigned kPlainMode = 0644;
inline constexpr unsigned kExecutableMode = 0755;
inline constexpr unsigned kReadOnlyMode = 0444;
inline constexpr unsigned kReadOnlyExecutableMode = 0555;

// Makes the file `name` with exactly this mode (whatever the umask) and mtime kFileTime.
// kAlreadyExists if something has that name.
Result<void> write_new_file(int dir_fd, const char* name, unsigned mode, std::string_view content);
// The same with the content of `source`, from its beginning.
Result<void> copy_new_file(int dir_fd, const char* name, unsigned mode, int source);

// The regular file `name` for reading, symlinks not followed; kFailedPrecondition if it is none.
Result<UniqueFd> open_to_adopt(int dir_fd, const char* name);

// Appends the content of `source`, from its beginning, to `target`, by copy_file_range(2) where it
// works.
Result<void> copy_content(int source, int target, const char* name);

// Sets the mode and the mtime that a finished file has.
Result<void> seal_file(int fd, unsigned mode, const char* name);

}  // namespace kiln::store
