// Runs a program and collects what it says. For end-to-end tests: real programs, real processes.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/eventually.h"

namespace kiln::test {

struct Outcome {
  int exit_code = -1;  // 128+N when ended by signal N, as a shell has it
  bool by_signal = false;
  std::string out;
  std::string err;
};

struct CommandOptions {
  std::map<std::string, std::string> env;  // the whole environment
  std::string directory;
  std::string input;
};

// A program that is running. wait() once.
class Command {
 public:
  Command(const std::vector<std::string>& argv, const CommandOptions& options);
  ~Command();
  Command(Command&&) noexcept;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Reads standard output until it holds `text`; false if it ends before.
  bool read_until(std::string_view text);
  // The same of standard error.
  bool read_error_until(std::string_view text);
  Outcome wait();

 private:
  // Reads both streams until they end, or until `into`, one of them, holds `text`.
  void pump(const std::string* into, std::string_view text);
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  Outcome outcome_;
};

Outcome run(const std::vector<std::string>& argv, const CommandOptions& options);

}  // namespace kiln::test
