#include "client/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/file.h"

namespace kiln {

namespace {

// Of a file that the command line names: whatever is wrong with it, the command line is.
Error wrong_file(const Error& error) {
  const ErrorCode code =
      error.code() == ErrorCode::kNotFound ? ErrorCode::kNotFound : ErrorCode::kInvalidArgument;
  return user_error(code, error.message());
}

}  // namespace

Result<UniqueFd> open_input_file(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file.ok()) return wrong_file(file.error());
  struct stat st;
  if (::fstat(file->get(), &st) == 0 && S_ISDIR(st.st_mode)) {
    return wrong_file(os_error(EISDIR, "read " + path));
  }
  return file;
}

}  // namespace kiln
