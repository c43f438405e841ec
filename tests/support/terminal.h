// Terminal: a program on a pseudo-terminal of its own, as a person at a keyboard drives it.
//
// Owns:    the program: one that still runs is killed by the destructor.
// Threads: single-owner. read_until() blocks, for 30 seconds at the most.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::test {

class Terminal {
 public:
  Terminal(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
           const std::string& directory);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Reads what the program writes until `text` stands in what came since the last call that found
  // its text. False if the program ends, or half a minute passes, before.
  bool read_until(std::string_view text);
  void type(std::string_view keys);
  void resize(unsigned short rows, unsigned short columns);
  void signal(int number) const;
  termios settings() const;
  // Reads to the end. The exit code; 128+N when ended by signal N.
  int wait();
  // All that it has written.
  const std::string& screen() const { return screen_; }

 private:
  bool read_more();

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string screen_;
  size_t seen_ = 0;
};

}  // namespace kiln::test
