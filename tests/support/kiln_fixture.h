// KilnTest: a test with a daemon, a home, a runtime directory and a workspace of its own. Nothing
// of it is left running or lying about.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/temp_dir.h"

namespace kiln::test {

class KilnTest : public testing::Test {
 protected:
  KilnTest();
  ~KilnTest() override;

  using Arguments = std::vector<std::string>;

  // `kiln ARGUMENTS...` in the workspace, with the test's environment.
  Outcome kiln(Arguments arguments, const std::string& input = "");
  Command start(Arguments arguments, const std::string& input = "");
  // In another directory: of the workspace, or absolute.
  Outcome kiln_in(const std::filesystem::path& directory, Arguments arguments);
  Command start_in(const std::filesystem::path& directory, Arguments arguments,
                   const std::string& input = "");
  // The same, and what it prints as JSON; fails the test unless it exits 0.
  nlohmann::json kiln_json(Arguments arguments);

  // `kiln exec --json OPTIONS -- sh -c SCRIPT`: the document it prints, whatever the exit code.
  nlohmann::json exec_json(Arguments options, const std::string& script);
  // Where the result came from: "ran", "memoized", "hit_locally".
  std::string source_of(Arguments options, const std::string& script);

  // The programs under test.
  static std::filesystem::path client();
  static std::filesystem::path daemon();

  // A counter of the daemon now; 0 if it does not exist.
  int64_t counter(const std::string& name);
  int64_t daemon_pid();
  void stop_daemon();

  void write(const std::string& path, std::string_view content) {
    write_file(workspace() / path, content);
  }
  std::string read(const std::string& path) { return slurp(workspace() / path); }

  std::filesystem::path workspace() const { return temp_.path() / "workspace"; }
  std::filesystem::path home() const { return temp_.path() / "home"; }
  std::filesystem::path temp_path() const { return temp_.path(); }
  std::filesystem::path runtime_dir() const { return temp_.path() / "run"; }
  std::map<std::string, std::string>& environment() { return environment_; }

 private:
  TempDir temp_;
  std::map<std::string, std::string> environment_;
};

}  // namespace kiln::test
