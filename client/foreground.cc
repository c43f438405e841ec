#include "client/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "common/base/file.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

constexpr int kGraceMilliseconds = 2000;

// What a full-screen program that a signal ended may leave behind: the alternate screen, a hidden
// cursor, colours, bracketed paste, mouse reports.
constexpr std::string_view kLeaveFullScreen =
    "\033[?1049l\033[?25h\033[0m\033[?2004l\033[?1000l\033[?1002l\033[?1003l\033[?1006l";

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

std::string_view path_variable(const std::vector<std::string>& env) {
  for (const std::string& variable : env) {
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  }
  return {};
}

// Where the command may be, in the order of the search; relative to its directory.
std::vector<std::string> candidates(const ForegroundCommand& command) {
  const std::string& name = command.argv.front();
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::string> paths;
  std::string_view rest = path_variable(command.env);
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string_view directory = rest.substr(0, colon);
    paths.push_back((directory.empty() ? "." : std::string(directory)) + "/" + name);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return paths;
}

Error exec_error(const ForegroundCommand& command, int error) {
  const std::string name = printable(command.argv.front());
  if (error == ENOENT || error == ENOTDIR) {
    return user_error(ErrorCode::kCommandNotFound, "cannot find '" + name + "'");
  }
  return user_error(ErrorCode::kCommandNotExecutable,
                    "cannot execute '" + name + "': " + std::strerror(error));
}

// In the child, after a fork of a process with one thread.
struct ChildStart {
  const ForegroundCommand& command;
  const std::vector<std::string>& paths;
  char* const* argv;
  char* const* env;
  const sigset_t& mask;
  pid_t parent;
};

int exec_child(const ChildStart& start) {
  // A client that is killed takes the command along: nobody would take the terminal back.
  ::prctl(PR_SET_PDEATHSIG, SIGHUP);
  if (::getppid() != start.parent) return ECHILD;
  if (start.command.tag != 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_LOCKS, &limit);
    limit.rlim_cur = start.command.tag;
    ::setrlimit(RLIMIT_LOCKS, &limit);
  }
  if (::chdir(start.command.directory.c_str()) != 0) return errno;
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGTTOU, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  ::sigprocmask(SIG_SETMASK, &start.mask, nullptr);
  int error = ENOENT;
  for (const std::string& path : start.paths) {
    ::execve(path.c_str(), start.argv, start.env);
    // As execvp(3): what is not there or may not be executed does not end the search.
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (error != ENOENT && error != EACCES) break;
  }
  return error;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

// SIGTTOU would stop a process that is not in the foreground when it changes the terminal.
class NoTerminalStop {
 public:
  NoTerminalStop() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTTOU);
    ::sigprocmask(SIG_BLOCK, &mask, &before_);
  }
  ~NoTerminalStop() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  NoTerminalStop(const NoTerminalStop&) = delete;
  NoTerminalStop& operator=(const NoTerminalStop&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Result<std::unique_ptr<ForegroundProcess>> ForegroundProcess::start(
    const ForegroundCommand& command, Interrupt& interrupt) {
  sigset_t child;
  sigset_t before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, &before);
  UniqueFd signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) {
    const int error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return os_error(error, "watch a command in the terminal");
  }
  std::unique_ptr<ForegroundProcess> process(
      new ForegroundProcess(interrupt, before, std::move(signals)));
  KILN_TRY(process->spawn(command));
  return process;
}

ForegroundProcess::ForegroundProcess(Interrupt& interrupt, sigset_t mask_before,
                                     UniqueFd child_signals)
    : mask_before_(mask_before), child_signals_(std::move(child_signals)), keys_(interrupt) {
  terminal_.reset(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal_.valid()) return;
  terminal_group_ = ::tcgetpgrp(terminal_.get());
  termios settings;
  if (::tcgetattr(terminal_.get(), &settings) == 0) settings_before_ = settings;
}

ForegroundProcess::~ForegroundProcess() {
  if (pid_ > 0 && !exit_code_) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    end(code_of(status));
  }
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

Result<void> ForegroundProcess::spawn(const ForegroundCommand& command) {
  KILN_CHECK(!command.argv.empty(), "a command without argv[0]");
  const std::vector<std::string> paths = candidates(command);
  const std::vector<char*> argv = pointers(command.argv);
  const std::vector<char*> env = pointers(command.env);
  std::array<int, 2> report;  // closed by a successful exec; else the child's errno
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return os_error(errno, "make a pipe");
  UniqueFd read_end(report[0]);
  UniqueFd write_end(report[1]);
  const sigset_t mask = keys_.mask_for_children(mask_before_);
  const pid_t client = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return os_error(errno, "start a process");
  if (pid_ == 0) {
    const int error = exec_child({command, paths, argv.data(), env.data(), mask, client});
    (void)!::write(write_end.get(), &error, sizeof error);
    ::_exit(127);
  }
  write_end.reset();
  int error = 0;
  ssize_t n;
  do {
    n = ::read(read_end.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return {};
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return exec_error(command, error);
}

std::optional<int> ForegroundProcess::look() {
  if (exit_code_) return exit_code_;
  signalfd_siginfo info;
  while (::read(child_signals_.get(), &info, sizeof info) == sizeof info) {
  }
  int status = 0;
  const pid_t changed = ::waitpid(pid_, &status, WNOHANG | WUNTRACED);
  if (changed != pid_) return std::nullopt;
  if (WIFSTOPPED(status)) {
    stop_with_command();
    return std::nullopt;
  }
  end(code_of(status));
  return exit_code_;
}

// The shell that started the client waits for the client only: it shows its prompt when the client
// stops.
void ForegroundProcess::stop_with_command() {
  termios settings_of_command;
  const bool has_settings =
      terminal_.valid() && ::tcgetattr(terminal_.get(), &settings_of_command) == 0;
  const pid_t group_of_command = terminal_.valid() ? ::tcgetpgrp(terminal_.get()) : -1;
  take_terminal_back();
  ::kill(0, SIGSTOP);  // returns when `fg` or `bg` continues the job
  if (terminal_.valid() && ::tcgetpgrp(terminal_.get()) == ::getpgrp()) {
    const NoTerminalStop guard;
    if (group_of_command > 0 && group_of_command == ::getpgid(pid_)) {
      ::tcsetpgrp(terminal_.get(), group_of_command);
    }
    if (has_settings) ::tcsetattr(terminal_.get(), TCSADRAIN, &settings_of_command);
  }
  ::kill(pid_, SIGCONT);
  if (const pid_t group = ::getpgid(pid_); group > 0 && group != ::getpgrp()) {
    ::kill(-group, SIGCONT);
  }
}

void ForegroundProcess::take_terminal_back() {
  if (!terminal_.valid()) return;
  const NoTerminalStop guard;
  // Only what the command has taken: a client in the background leaves the terminal alone.
  const bool was_foreground = terminal_group_ == ::getpgrp();
  if (!was_foreground) return;
  ::tcsetpgrp(terminal_.get(), terminal_group_);
  if (settings_before_) ::tcsetattr(terminal_.get(), TCSADRAIN, &*settings_before_);
}

void ForegroundProcess::end(int exit_code) {
  exit_code_ = exit_code;
  take_terminal_back();
  if (exit_code >= 0 || !terminal_.valid() || terminal_group_ != ::getpgrp()) return;
  const char* const type = ::getenv("TERM");
  if (type == nullptr || std::string_view(type) == "dumb") return;
  (void)!::write(terminal_.get(), kLeaveFullScreen.data(), kLeaveFullScreen.size());
}

int ForegroundProcess::terminate() {
  if (exit_code_) return *exit_code_;
  ::kill(pid_, SIGTERM);
  ::kill(pid_, SIGCONT);
  pollfd changed{.fd = child_signals_.get(), .events = POLLIN, .revents = 0};
  timespec start;
  ::clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto passed = static_cast<int>((now.tv_sec - start.tv_sec) * 1000 +
                                         (now.tv_nsec - start.tv_nsec) / 1'000'000);
    if (passed >= kGraceMilliseconds) break;
    ::poll(&changed, 1, kGraceMilliseconds - passed);
    signalfd_siginfo info;
    while (::read(child_signals_.get(), &info, sizeof info) == sizeof info) {
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      end(code_of(status));
      return *exit_code_;
    }
  }
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  end(code_of(status));
  return *exit_code_;
}

}  // namespace kiln
