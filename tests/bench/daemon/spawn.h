// Runs a program and waits for it, as cheaply as the system allows: a vfork-class spawn, its output
// to /dev/null.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace kiln::bench {

using Environment = std::map<std::string, std::string>;

// A command, prepared once and run often.
class Program {
 public:
  // The first argument is the program's path; `env` is the whole environment.
  Program(std::vector<std::string> argv, std::string directory, const Environment& env);

  // From before the spawn to after the wait, in milliseconds. Ends this process if the program
  // cannot be started or fails: a figure of something that failed is no figure.
  double run() const;

 private:
  const std::vector<std::string> argv_;
  const std::string directory_;
  const std::vector<std::string> env_;
};

}  // namespace kiln::bench
