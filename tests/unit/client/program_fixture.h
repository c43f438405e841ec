// ProgramTest: the program `kiln`, run as a person runs it, against the fake daemon.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "common/base/file.h"
#include "tests/support/temp_directory.h"

namespace kiln {

struct Ended {
  int code = -1;
  std::string out;
  std::string err;
};

// A home, a runtime directory and a workspace of its own; stops its daemon.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    temporary_.make_directory("ws/sub");
    temporary_.write("ws/kiln.toml", "");
    set("KILN_HOME", dir_ + "/home");
    set("KILN_RUNTIME_DIR", dir_ + "/run");
    set("KILN_DAEMON", FAKE_KILND);
    set("FAKE_KILND_STARTS", dir_ + "/starts");
  }
  ~ProgramTest() override { kiln("daemon stop"); }

  void set(const std::string& name, const std::string& value) {
    environment_ += name + "='" + value + "' ";
  }

  // Through a shell, for redirections.
  std::string command(const std::string& arguments) const {
    return "( cd " + dir_ + "/ws/sub && exec env " + environment_ + KILN_PROGRAM + " " + arguments +
           " )";
  }

  Ended shell(const std::string& line) const {
    const int status =
        std::system(("( " + line + " ) >" + dir_ + "/out 2>" + dir_ + "/err </dev/null").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            *read_file(dir_ + "/out"), *read_file(dir_ + "/err")};
  }

  Ended kiln(const std::string& arguments) const { return shell(command(arguments)); }

  // As a daemon that got so far would have.
  void make_log() const { temporary_.write("home/log/kilnd.log", ""); }

  size_t starts() const {
    std::ifstream file(dir_ + "/starts");
    std::string line;
    size_t n = 0;
    while (std::getline(file, line)) ++n;
    return n;
  }

  const test::TempDirectory temporary_;
  const std::string dir_ = temporary_.path();
  std::string environment_;
};

}  // namespace kiln
