// ProgramTest: the program `kiln`, run as a person runs it, against the fake daemon.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "common/base/file.h"

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
    char name[] = "/tmp/kiln-prog-XXXXXX";
    dir_ = ::mkdtemp(name);
    std::system(("mkdir -p " + dir_ + "/ws/sub && touch " + dir_ + "/ws/kiln.toml").c_str());
    set("KILN_HOME", dir_ + "/home");
    set("KILN_RUNTIME_DIR", dir_ + "/run");
    set("KILN_DAEMON", FAKE_KILND);
    set("FAKE_KILND_STARTS", dir_ + "/starts");
  }
  ~ProgramTest() override {
    kiln("daemon stop");
    std::system(("rm -rf " + dir_).c_str());
  }

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
  void make_log() const {
    std::system(
        ("mkdir -p " + dir_ + "/home/log && touch " + dir_ + "/home/log/kilnd.log").c_str());
  }

  size_t starts() const {
    std::ifstream file(dir_ + "/starts");
    std::string line;
    size_t n = 0;
    while (std::getline(file, line)) ++n;
    return n;
  }

  std::string dir_;
  std::string environment_;
};

}  // namespace kiln
