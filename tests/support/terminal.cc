#include "tests/support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace kiln::test {

namespace {

constexpr int kPatienceMilliseconds = 30'000;

}  // namespace

Terminal::Terminal(const std::vector<std::string>& argv,
                   const std::map<std::string, std::string>& env, const std::string& directory) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : env) variables.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    if (::chdir(directory.c_str()) == 0) {
      ::execvpe(arguments[0], arguments.data(), environment.data());
    }
    ::_exit(127);
  }
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(fd_);
}

bool Terminal::read_more() {
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, kPatienceMilliseconds) <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t n = ::read(fd_, buffer.data(), buffer.size());  // EIO: nobody has it open any more
  if (n <= 0) return false;
  screen_.append(buffer.data(), static_cast<size_t>(n));
  return true;
}

bool Terminal::read_until(std::string_view text) {
  size_t at;
  while ((at = screen_.find(text, seen_)) == std::string::npos) {
    if (!read_more()) return false;
  }
  seen_ = at + text.size();
  return true;
}

void Terminal::type(std::string_view keys) {
  while (!keys.empty()) {
    const ssize_t n = ::write(fd_, keys.data(), keys.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    keys.remove_prefix(static_cast<size_t>(n));
  }
}

void Terminal::resize(unsigned short rows, unsigned short columns) {
  winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(fd_, TIOCSWINSZ, &size);
}

void Terminal::signal(int number) const { ::kill(pid_, number); }

termios Terminal::settings() const {
  termios settings{};
  ::tcgetattr(fd_, &settings);
  return settings;
}

int Terminal::wait() {
  while (read_more()) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace kiln::test
