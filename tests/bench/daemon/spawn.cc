#include "tests/bench/daemon/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "tests/bench/daemon/samples.h"

namespace kiln::bench {

namespace {

std::vector<std::string> assignments(const Environment& env) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : env) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Program::Program(std::vector<std::string> argv, std::string directory, const Environment& env)
    : argv_(std::move(argv)), directory_(std::move(directory)), env_(assignments(env)) {}

double Program::run() const {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(&actions, directory_.c_str());
  const std::vector<char*> argv = pointers(argv_);
  const std::vector<char*> env = pointers(env_);
  const Stopwatch watch;
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), env.data());
  KILN_CHECK(error == 0, "cannot start " + argv_[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  const double elapsed = watch.milliseconds();
  ::posix_spawn_file_actions_destroy(&actions);
  KILN_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, argv_[0] + " failed");
  return elapsed;
}

}  // namespace kiln::bench
