#include "tests/support/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace kiln::test {

namespace {

int temporary_with(const std::string& content) {
  std::FILE* file = std::tmpfile();
  std::fwrite(content.data(), 1, content.size(), file);
  std::fflush(file);
  std::rewind(file);
  const int fd = ::dup(::fileno(file));
  std::fclose(file);
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Command::Command(const std::vector<std::string>& argv, const CommandOptions& options) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) std::abort();
  const int in = temporary_with(options.input);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  if (!options.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  }
  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment;
  for (const auto& [name, value] : options.env) environment.push_back(name + "=" + value);
  const int rc = ::posix_spawnp(&pid_, arguments[0].c_str(), &actions, nullptr,
                                pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  if (rc != 0) {
    pid_ = -1;
    outcome_.err = "cannot start " + argv[0];
  }
}

Command::Command(Command&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      outcome_(std::move(other.outcome_)) {}

Command::~Command() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

void Command::signal(int number) const { ::kill(pid_, number); }

void Command::pump(const std::string* into, std::string_view text) {
  while (out_ >= 0 || err_ >= 0) {
    if (into != nullptr && into->find(text) != std::string::npos) return;
    pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    const auto take = [&](pollfd& entry, int& fd, std::string& into) {
      if (entry.revents == 0) return;
      char buffer[65536];
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n > 0) {
        into.append(buffer, static_cast<size_t>(n));
      } else {
        ::close(std::exchange(fd, -1));
      }
    };
    take(fds[0], out_, outcome_.out);
    take(fds[1], err_, outcome_.err);
  }
}

bool Command::read_until(std::string_view text) {
  pump(&outcome_.out, text);
  return outcome_.out.find(text) != std::string::npos;
}

bool Command::read_error_until(std::string_view text) {
  pump(&outcome_.err, text);
  return outcome_.err.find(text) != std::string::npos;
}

Outcome Command::wait() {
  pump(nullptr, {});
  if (pid_ > 0) {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    outcome_.by_signal = WIFSIGNALED(status);
    outcome_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return outcome_;
}

Outcome run(const std::vector<std::string>& argv, const CommandOptions& options) {
  return Command(argv, options).wait();
}

}  // namespace kiln::test
