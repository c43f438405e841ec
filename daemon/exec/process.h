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
#include <utility>
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
  kLocalSuccessful,
  kLocalAlways,
  kPerRestartSuccessful,
  kPerRestartAlways,
  kPerSession,
};
constexpr auto enum_names(CacheScope) {
  return std::array<std::string_view, 7>{"successful",
                                         "always",
                                         "local_successful",
                                         "local_always",
                                         "per_restart_successful",
                                         "per_restart_always",
                                         "per_session"};
}
enum class SandboxLevel : uint8_t { kPlain, kStrict };
constexpr auto enum_names(SandboxLevel) {
  return std::array<std::string_view, 2>{"plain", "strict"};
}
using Network = confine::Network;
// Weakest first.
enum class KeepSandboxes : uint8_t {
  kNever,
  kOnFailure,
  kOnFailureOrMissingOutput,  // of a caller who takes a missing output for a failure
  kAlways,
};

struct Process {
  std::vector<std::string> argv;
  std::string description;  // in no key
  store::TreePtr inputs;    // never null
  std::map<std::string, std::string> env;
  RelPath working_directory;
  std::vector<RelPath> output_files;        // sorted, unique
  std::vector<RelPath> output_directories;  // sorted, unique
  std::optional<std::chrono::nanoseconds> timeout;
  CacheScope cache_scope = CacheScope::kSuccessful;
  SandboxLevel sandbox = SandboxLevel::kPlain;
  Network network = Network::kNone;  // of the level strict; plain does not confine it
  // Directories that outlive processes, by name, and where the sandbox shows each, from its root.
  // In no key: what a tool finds there must not change what it makes.
  std::map<std::string, RelPath> append_only_caches;
  // The variable that tells a process the number of its slot, from 1; empty: none. In no key.
  std::string execution_slot_variable;
  // Shown to a strict process beside what its tool needs; sorted.
  std::vector<std::string> host_paths;
};

// One thing of the host that decides what a command does.
struct ToolComponent {
  enum class Kind : uint8_t {
    kExecutable,     // argv[0] itself, or what a launcher starts
    kInterpreter,    // of a script, and what `env` leads to
    kLoader,         // PT_INTERP of a program
    kLibrary,        // of the closure of DT_NEEDED
    kConfiguration,  // pyvenv.cfg, package.json: says what else belongs to the tool
    kInstalled,      // a directory of Python packages, as what is installed there
    kPackages,       // the package database of the system
    kUnknown,        // starts something that cannot be known: that is in no key
  };
  Kind kind = Kind::kExecutable;
  std::string path;   // absolute, as it is looked for: symlinks in it are followed
  FileDigest digest;  // of the content; kInstalled: of the list; kUnknown: empty
  std::string file;   // where `path` led to; not in the key
  friend bool operator==(const ToolComponent&, const ToolComponent&) = default;
};
std::string_view kind_name(ToolComponent::Kind kind);

// The host's part in the key: what runs is not, or not all of it, among the inputs.
struct HostTool {
  // What the process is started by: absolute; or relative to the working directory if it is an
  // input, which the input root covers.
  std::string path;
  std::vector<ToolComponent> components;  // in the order in which they were found, each once
  // Of the canonical list of components; nothing if the host has no part in it.
  std::optional<FileDigest> digest() const;
  friend bool operator==(const HostTool&, const HostTool&) = default;
};

// The platform properties of a process's Command: name and value, sorted.
std::vector<std::pair<std::string, std::string>> platform_of(const Process& process,
                                                             const HostTool& tool);

// The REAPI messages of a process, canonically encoded, and their digest.
struct Action {
  Digest digest;  // of `action`
  std::string action;
  std::string command;
};
// `salt` separates what must not be shared (PER_* scopes); empty for the others.
Action make_action(const Process& process, const HostTool& tool, std::string_view salt);

}  // namespace kiln::exec
