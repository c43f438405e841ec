// ExecOptions: the options of `kiln exec` as typed, and the request they make.
// Threads: stateless.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/option_parser.h"
#include "client/specs.h"
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
  std::vector<std::string> cache_dir;
  std::optional<std::string> slot_variable;
  std::optional<std::string> workdir;
  std::optional<std::string> timeout;
  Chosen<v1::Process::CacheScope> cache = {v1::Process::SUCCESSFUL};
  Chosen<v1::Process::Sandbox> sandbox = {v1::Process::AUTO};
  Chosen<v1::Process::Network> network = {v1::Process::NETWORK_UNSPECIFIED};
  Chosen<v1::KeepSandboxes> keep_sandboxes = {v1::KeepSandboxes::NEVER};
  std::optional<std::string> description;
  std::optional<std::string> batch;
  std::vector<std::string> option;
  bool explain_key = false;
  bool verify_twice = false;
  bool no_ignore = false;
  bool require_outputs = false;
  // When outputs are written into the workspace.
  enum class Write : uint8_t { kNever, kOnSuccess, kAlways };
  Chosen<Write> write = {Write::kNever};
  bool interactive = false;
  bool in_workspace = false;
  bool inherit_env = false;
  bool restartable = false;
  std::vector<std::string> argv;

  void add_to(OptionParser& parser);
  // Whether anything was given that belongs to one process, not to all of a batch.
  bool describes_process() const;
  // Whether it reads the workspace or writes into it.
  bool needs_workspace() const;
};

// Everything but the caller. `environment` is the client's, for --env NAME; `paths` are those of
// the workspace, as they are typed here.
Result<v1::ExecuteRequest> make_execute_request(const ExecOptions& options,
                                                const Environment& environment,
                                                const SpecResolver& paths);

// Whether and when outputs are written, in a request for one process or for many.
template <class Request>
void set_write_outputs(const ExecOptions& options, Request& request) {
  request.set_write_outputs(options.write.value != ExecOptions::Write::kNever);
  request.set_write_failed_outputs(options.write.value == ExecOptions::Write::kAlways);
}

}  // namespace kiln
