// Processes as rules see them.
//
// Source:  Process, FallibleProcessResult, ProcessResult, EnvironmentRequest of Pants' rules API.
// Threads: immutable values.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/exec/process.h"
#include "daemon/intrinsics/host/host_fingerprint.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/options.h"
#include "daemon/rules/values/real.h"
#include "daemon/trace/annotation.h"

namespace kiln::intrinsics {

// The sandbox level that is asked for. kAuto: what the option sandbox.level says.
enum class SandboxChoice : uint8_t { kAuto, kPlain, kStrict };
constexpr auto enum_names(SandboxChoice) {
  return std::array<std::string_view, 3>{"auto", "plain", "strict"};
}

// A process as its author wrote it: paths unchecked, argv[0] not resolved.
struct Process {
  static constexpr std::string_view kTypeName = "Process";

  std::vector<std::string> argv;
  std::string description;  // shown; in no key of the cache
  DirectoryDigest input_digest;
  std::map<std::string, std::string> env;
  std::string working_directory;
  std::vector<std::string> output_files;
  std::vector<std::string> output_directories;
  bool require_outputs = false;  // in no key: decides what its caller takes for an answer
  rules::Real timeout_seconds;   // 0: none
  exec::CacheScope cache_scope = exec::CacheScope::kSuccessful;
  SandboxChoice sandbox = SandboxChoice::kAuto;
  exec::Network network = exec::Network::kNone;           // of the level strict
  std::map<std::string, std::string> append_only_caches;  // name → path in the sandbox; in no key
  std::string execution_slot_variable;                    // in no key

  std::string title() const { return description.empty() && !argv.empty() ? argv[0] : description; }
  static void fields(auto& self, auto&& field) {
    field("argv", self.argv);
    field("description", self.description);
    field("input_digest", self.input_digest);
    field("env", self.env);
    field("working_directory", self.working_directory);
    field("output_files", self.output_files);
    field("output_directories", self.output_directories);
    field("require_outputs", self.require_outputs);
    field("timeout_seconds", self.timeout_seconds);
    field("cache_scope", self.cache_scope);
    field("sandbox", self.sandbox);
    field("network", self.network);
    field("append_only_caches", self.append_only_caches);
    field("execution_slot_variable", self.execution_slot_variable);
  }
  friend bool operator==(const Process&, const Process&) = default;
};

// What of this machine is in the keys of processes.
struct HostOptions {
  static constexpr std::string_view kTypeName = "HostOptions";
  static constexpr std::string_view kScope = "host";
  static constexpr std::string_view kSummary = "What of this machine a result depends on.";
  static constexpr auto kHelp = std::to_array<rules::OptionHelp>(
      {{"fingerprint",
        "tool: the command, its interpreters, libraries and packages; packages: all packages of "
        "the system as well"}});

  HostFingerprint fingerprint = HostFingerprint::kTool;

  static void fields(auto& self, auto&& field) { field("fingerprint", self.fingerprint); }
  friend bool operator==(const HostOptions&, const HostOptions&) = default;
};

// How processes are kept from what they are not given.
struct SandboxOptions {
  static constexpr std::string_view kTypeName = "SandboxOptions";
  static constexpr std::string_view kScope = "sandbox";
  static constexpr std::string_view kSummary = "What processes can reach beside their inputs.";
  static constexpr auto kHelp = std::to_array<rules::OptionHelp>(
      {{"level",
        "strict: nothing but the system's tools; plain: whatever the user can reach; auto: strict "
        "where this machine allows it, else plain"},
       {"host_paths",
        "absolute paths of this machine that strict processes see as well, read-only"}});

  SandboxChoice level = SandboxChoice::kAuto;
  std::vector<std::string> host_paths;

  static void fields(auto& self, auto&& field) {
    field("level", self.level);
    field("host_paths", self.host_paths);
  }
  friend bool operator==(const SandboxOptions&, const SandboxOptions&) = default;
};

// How a process ended, whatever its exit code; killed by signal N: -N; timed out: 124.
struct FallibleProcessResult {
  static constexpr std::string_view kTypeName = "FallibleProcessResult";

  std::string stdout_text;
  FileDigest stdout_digest;
  std::string stderr_text;
  FileDigest stderr_digest;
  int exit_code = 0;
  DirectoryDigest output_digest;
  bool timed_out = false;

  trace::Metadata metadata() const { return {{"exit_code", std::to_string(exit_code)}}; }
  // What it made; nothing if that is nothing.
  std::map<std::string, Digest> artifacts() const;
  static void fields(auto& self, auto&& field) {
    field("stdout", self.stdout_text);
    field("stdout_digest", self.stdout_digest);
    field("stderr", self.stderr_text);
    field("stderr_digest", self.stderr_digest);
    field("exit_code", self.exit_code);
    field("output_digest", self.output_digest);
    field("timed_out", self.timed_out);
  }
  friend bool operator==(const FallibleProcessResult&, const FallibleProcessResult&) = default;
};

// Of a process that succeeded; to ask for one from a process that fails is an error.
struct ProcessResult {
  static constexpr std::string_view kTypeName = "ProcessResult";

  std::string stdout_text;
  FileDigest stdout_digest;
  std::string stderr_text;
  FileDigest stderr_digest;
  DirectoryDigest output_digest;

  static void fields(auto& self, auto&& field) {
    field("stdout", self.stdout_text);
    field("stdout_digest", self.stdout_digest);
    field("stderr", self.stderr_text);
    field("stderr_digest", self.stderr_digest);
    field("output_digest", self.output_digest);
  }
  friend bool operator==(const ProcessResult&, const ProcessResult&) = default;
};

// A root param: the environment variables that the client lends.
struct ClientEnvironment {
  static constexpr std::string_view kTypeName = "ClientEnvironment";

  std::map<std::string, std::string> variables;

  static void fields(auto& self, auto&& field) { field("variables", self.variables); }
  friend bool operator==(const ClientEnvironment&, const ClientEnvironment&) = default;
};

// The named variables of the client that asks; those that it does not have are left out.
struct EnvironmentRequest {
  static constexpr std::string_view kTypeName = "EnvironmentRequest";

  std::vector<std::string> names;

  static void fields(auto& self, auto&& field) { field("names", self.names); }
  friend bool operator==(const EnvironmentRequest&, const EnvironmentRequest&) = default;
};
struct Environment {
  static constexpr std::string_view kTypeName = "Environment";

  std::map<std::string, std::string> variables;

  static void fields(auto& self, auto&& field) { field("variables", self.variables); }
  friend bool operator==(const Environment&, const Environment&) = default;
};

}  // namespace kiln::intrinsics
