#include "client/input_file.h"

#include <fcntl.h>
#include <poll.h>
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

Result<UniqueFd> open_input_file(const std::string& path, const Interrupt& interrupt) {
  const Interrupt::Suspension mortal(interrupt);
  auto file = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok()) return wrong_file(file.error());
  struct stat st;
  if (::fstat(file->get(), &st) == 0 && S_ISDIR(st.st_mode)) {
    return wrong_file(os_error(EISDIR, "read " + path));
  }
  // Only the opening must not wait: read_input() is called when there is something to read.
  (void)::fcntl(file->get(), F_SETFL, ::fcntl(file->get(), F_GETFL) & ~O_NONBLOCK);
  return file;
}

bool is_readable(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) != 0;  // an error is for read() to tell
}

Result<size_t> read_input(int fd, std::span<char> buffer, const std::string& name,
                          const Interrupt& interrupt) {
  const Interrupt::Suspension mortal(interrupt);
  return read_some(fd, buffer, name);
}

Result<std::string> read_whole_input(int fd, const std::string& name, const Interrupt& interrupt) {
  const Interrupt::Suspension mortal(interrupt);
  pollfd poll_fd = {fd, POLLIN, 0};
  (void)::poll(&poll_fd, 1, -1);  // a FIFO that nobody writes to yet would be at its end
  return read_all(fd, name);
}

}  // namespace kiln
