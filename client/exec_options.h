// ExecOptions: the options of `kiln exec` as typed, and the request they make.
// Threads: stateless.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/option_parser.h"
#include "common/base/result.h"
#include "common/ipc/paths.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// What a process finds in PATH unless it is given another.
inline constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

struct ExecOptions {
  std::vector<std::string> input;
  std::vector<std::string> digest;
  std::vector<std::string> env;
  std::vector<std::string> output_file;
  std::vector<std::string> output_dir;
  std::optional<std::string> workdir;
  std::optional<std::string> timeout;
  Chosen<v1::Process::CacheScope> cache = {v1::Process::SUCCESSFUL};
  Chosen<v1::Process::Sandbox> sandbox = {v1::Process::AUTO};
  Chosen<v1::Process::Network> network = {v1::Process::NETWORK_UNSPECIFIED};
  Chosen<v1::KeepSandboxes> keep_sandboxes = {v1::KeepSandboxes::NEVER};
  std::optional<std::string> description;
  std::optional<std::string> batch;
  bool require_outputs = false;
  bool write = false;
  std::vector<std::string> argv;

  void add_to(OptionParser& parser);
  // Whether anything was given that belongs to one process, not to all of a batch.
  bool describes_process() const;
};

// Everything but the caller. `environment` is the client's, for --env NAME.
Result<v1::ExecuteRequest> make_execute_request(const ExecOptions& options,
                                                const Environment& environment);

}  // namespace kiln
