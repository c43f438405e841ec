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
  std::optional<std::string> cache;
  std::optional<std::string> sandbox;
  std::optional<std::string> keep_sandboxes;
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

// What --keep-sandboxes says; NEVER if it was not given.
Result<v1::KeepSandboxes> keep_sandboxes(const ExecOptions& options);

}  // namespace kiln
