// Process: what to run, fully resolved; and its identity.
//
// Source: semantics of REAPI Command and Action (build/bazel/remote/execution/v2). The digest of
//         the Action is the cache key.
// Threads: immutable values.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "common/types/rel_path.h"
#include "daemon/confine/view.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::exec {

enum class CacheScope : uint8_t {
  kSuccessful,
  kAlways,
  kPerSession,
  kPerRestartSuccessful,
  kPerRestartAlways,
};
constexpr auto enum_names(CacheScope) {
  return std::array<std::string_view, 5>{"successful", "always", "per_session",
                                         "per_restart_successful", "per_restart_always"};
}
enum class SandboxLevel : uint8_t { kPlain, kStrict };
constexpr auto enum_names(SandboxLevel) {
  return std::array<std::string_view, 2>{"plain", "strict"};
}
using Network = confine::Network;
enum class KeepSandboxes : uint8_t { kNever, kOnFailure, kAlways };

struct Process {
  std::vector<std::string> argv;
  std::string description;  // in no key
  store::TreePtr inputs;    // never null
  std::map<std::string, std::string> env;
  RelPath working_directory;
  std::vector<RelPath> output_files;        // sorted, unique
  std::vector<RelPath> output_directories;  // sorted, unique
  bool require_outputs = false;             // in no key: decides an error, not a result
  std::optional<std::chrono::nanoseconds> timeout;
  CacheScope cache_scope = CacheScope::kSuccessful;
  SandboxLevel sandbox = SandboxLevel::kPlain;
  Network network = Network::kNone;  // of the level strict; plain does not confine it
};

// The host's part in the key: what runs is not among the inputs.
struct HostTool {
  std::string path;  // absolute; or relative to the working directory if it is an input
  // Of the resolved executable; nothing if it is an input, which the input root covers.
  std::optional<FileDigest> digest;
  friend bool operator==(const HostTool&, const HostTool&) = default;
};

// The REAPI messages of a process, canonically encoded, and their digest.
struct Action {
  Digest digest;  // of `action`
  std::string action;
  std::string command;
};
// `salt` separates what must not be shared (PER_* scopes); empty for the others.
Action make_action(const Process& process, const HostTool& tool, std::string_view salt);

}  // namespace kiln::exec
