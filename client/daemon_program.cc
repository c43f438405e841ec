#include "client/daemon_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "common/base/file.h"
#include "common/base/unique_fd.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace kiln {

namespace {

// `program OPTION` with its standard output in `output` and nothing else said.
Result<pid_t> spawn(const std::string& program, std::string option, int output) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name = "kilnd";
  std::array<char*, 3> argv = {name.data(), option.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return os_error(error, "run " + program);
  return pid;
}

Result<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return os_error(errno, "wait for process " + std::to_string(pid));
  }
  return status;
}

}  // namespace

Result<std::string> daemon_program() {
  if (const char* chosen = ::getenv("KILN_DAEMON"); chosen != nullptr && *chosen != '\0') {
    return std::string(chosen);
  }
  std::array<char, 4096> self;
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  if (size <= 0) return os_error(errno, "read /proc/self/exe");
  std::string here(self.data(), static_cast<size_t>(size));
  here.resize(here.rfind('/'));
  std::string beside = here + "/kilnd";
  if (::access(beside.c_str(), X_OK) == 0) return beside;
  std::string installed = here + "/../lib/kiln/kilnd";
  if (::access(installed.c_str(), X_OK) == 0) return installed;
  return environment_error(ErrorCode::kNotFound,
                           "cannot find the daemon: neither " + beside + " nor " + installed +
                               " can be executed; set KILN_DAEMON to the program kilnd");
}

Result<std::string> daemon_output(const std::string& option) {
  KILN_ASSIGN(const std::string program, daemon_program());
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "make a pipe");
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  KILN_ASSIGN(const pid_t pid, spawn(program, option, write.get()));
  write.reset();
  auto output = read_all(read.get(), "the output of " + program);
  KILN_ASSIGN(const int status, wait_for(pid));
  if (!output.ok() || status == 0) return output;
  return environment_error(ErrorCode::kUnavailable, "`" + program + " " + option +
                                                        "` failed; is it a kilnd of this version?");
}

}  // namespace kiln
