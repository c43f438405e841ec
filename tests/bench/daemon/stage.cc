#include "tests/bench/daemon/stage.h"

#include <stdlib.h>

#include <filesystem>

#include "common/base/check.h"

namespace kiln::bench {

Stage::Stage(const Options& options, bench::Environment more)
    : directory_(options.directory + "/XXXXXX") {
  std::filesystem::create_directories(options.directory);
  KILN_CHECK(::mkdtemp(directory_.data()) != nullptr, "cannot make a directory for " + directory_);
  workspace_ = path("workspace");
  std::filesystem::create_directory(workspace_);
  environment_ = {{"HOME", directory_},
                  {"KILN_HOME", path("home")},
                  {"KILN_RUNTIME_DIR", path("run")},
                  {"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  environment_.merge(more);
}

Stage::~Stage() {
  stop_daemon();
  std::filesystem::remove_all(directory_);
}

Program Stage::kiln(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {KILN_CLIENT, "--root", workspace_});
  return program(std::move(arguments));
}

Program Stage::program(std::vector<std::string> argv) const {
  return Program(std::move(argv), workspace_, environment_);
}

void Stage::start_daemon() const { kiln({"daemon", "start"}).run(); }
void Stage::stop_daemon() const { kiln({"daemon", "stop"}).run(); }

DaemonPaths Stage::daemon() const {
  const auto paths = daemon_paths([this](std::string_view name) -> std::optional<std::string> {
    const auto it = environment_.find(std::string(name));
    return it == environment_.end() ? std::nullopt : std::optional(it->second);
  });
  KILN_CHECK(paths.ok(), paths.error().to_string());
  return *paths;
}

}  // namespace kiln::bench
