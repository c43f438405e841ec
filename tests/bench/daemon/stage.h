// Stage: a daemon, a home, a runtime directory and a workspace of a figure's own. Nothing of it is
// left running or lying about.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/ipc/paths.h"
#include "tests/bench/daemon/spawn.h"

namespace kiln::bench {

struct Options {
  std::string directory;  // stages are made in it
  bool quick = false;
};

class Stage {
 public:
  // `more` comes on top of the few variables that its programs see.
  explicit Stage(const Options& options, bench::Environment more = {});
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // `kiln ARGUMENTS…` in the workspace.
  Program kiln(std::vector<std::string> arguments) const;
  // Any other program there.
  Program program(std::vector<std::string> argv) const;
  void start_daemon() const;
  void stop_daemon() const;

  const std::string& workspace() const { return workspace_; }
  std::string path(const std::string& below) const { return directory_ + "/" + below; }
  DaemonPaths daemon() const;

 private:
  std::string directory_;
  std::string workspace_;
  bench::Environment environment_;
};

}  // namespace kiln::bench
