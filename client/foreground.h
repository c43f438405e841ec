// ForegroundProcess: a command in the client's own terminal.
//
// What:    starts the command in the client's process group, so the terminal's keys and window
//          changes reach it: Ctrl-C and Ctrl-\ go to the command and not to the client; Ctrl-Z
//          stops both as one job of the shell, and `fg` continues both. A command that stops by
//          itself (`suspend` in a shell) stops the client too, so that the shell gets its prompt.
// Owns:    the child, until it was reaped; the terminal's settings, the foreground process group
//          and the dispositions of SIGINT and SIGQUIT, which are as before once it is destroyed.
// Threads: single-owner. One at a time.
// Cancels: terminate(); the destructor kills what still runs.
// Fails:   a command that is not found or cannot be executed: kCommandNotFound,
//          kCommandNotExecutable.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

struct ForegroundCommand {
  std::vector<std::string> argv;  // argv[0] without a slash is looked up in PATH of `env`
  std::vector<std::string> env;   // "NAME=value", the whole environment
  std::string directory;          // absolute; the command starts there
  // The mark by which the daemon finds the command's descendants (RLIMIT_LOCKS); 0: none.
  uint64_t tag = 0;
};

class ForegroundProcess {
 public:
  // `interrupt` outlives the process.
  static Result<std::unique_ptr<ForegroundProcess>> start(const ForegroundCommand& command,
                                                          Interrupt& interrupt);
  ~ForegroundProcess();
  ForegroundProcess(const ForegroundProcess&) = delete;
  ForegroundProcess& operator=(const ForegroundProcess&) = delete;

  // Readable when the command has changed its state; then look() says how.
  int event_fd() const { return child_signals_.get(); }
  // The exit code once the command has ended; ended by signal N: -N. Nothing while it runs. Stops
  // the client when the command has stopped.
  std::optional<int> look();
  // Ends the command: SIGTERM, two seconds, SIGKILL. Blocks until it has ended.
  int terminate();

 private:
  ForegroundProcess(Interrupt& interrupt, sigset_t mask_before, UniqueFd child_signals);
  Result<void> spawn(const ForegroundCommand& command);
  void stop_with_command();
  void end(int exit_code);
  void take_terminal_back();

  // constant after construction
  const sigset_t mask_before_;
  const UniqueFd child_signals_;  // SIGCHLD
  const Interrupt::Foreground keys_;
  UniqueFd terminal_;          // invalid without one
  pid_t terminal_group_ = -1;  // in the foreground before
  std::optional<termios> settings_before_;

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace kiln
