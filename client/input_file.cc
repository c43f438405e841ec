#include "client/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/file.h"

namespace kiln {

Result<UniqueFd> open_input_file(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file.ok()) return user_error(file.error().code(), file.error().message());
  struct stat st;
  if (::fstat(file->get(), &st) == 0 && S_ISDIR(st.st_mode)) {
    const Error error = os_error(EISDIR, "read " + path);
    return user_error(error.code(), error.message());
  }
  return file;
}

}  // namespace kiln
