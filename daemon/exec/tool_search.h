// ToolSearch: where argv[0] of a process may lead, in the order of looking, and what to say when it
// leads nowhere.
//
// What:    a command with a slash is taken as it is; one without is looked up in PATH of the
//          process's environment, where an empty element is the working directory (execvp(3)).
//          What is relative or begins with {chroot} is among the inputs, and decided here; whoever
//          may look at the host decides about the rest.
// Threads: immutable value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/exec/process.h"

namespace kiln::exec {

struct ToolSearch {
  enum class Where : uint8_t {
    kInput,          // an executable among the inputs: nothing after it is looked at
    kNonExecutable,  // among the inputs, and not to be executed
    kHost,
  };
  struct Candidate {
    Where where = Where::kHost;
    std::string path;         // as the process will be started by it
    std::string host_file;    // kHost: absolute. Another than `path` where a link among the inputs
                              // leads out of them
    FileDigest content = {};  // kInput: of the file
    friend bool operator==(const Candidate&, const Candidate&) = default;
  };

  std::string command;
  std::optional<std::string> path_variable;  // nothing: it was not searched
  std::vector<Candidate> candidates;
  friend bool operator==(const ToolSearch&, const ToolSearch&) = default;

  // kCommandNotFound, naming what was searched.
  Error not_found() const;
  // kCommandNotExecutable
  static Error not_executable(const Candidate& candidate);
};

// Fails without a command, and without a PATH that is needed.
Result<ToolSearch> search_for_tool(const Process& process);

}  // namespace kiln::exec
