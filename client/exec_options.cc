#include "client/exec_options.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "client/render.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

constexpr size_t kDescriptionColumns = 60;

Result<double> parse_timeout(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(seconds) || seconds <= 0) {
    return user_error(ErrorCode::kInvalidArgument,
                      "--timeout '" + text + "' is not a positive number of seconds");
  }
  return seconds;
}

Error not_set(const std::string& variable) {
  const std::string option = "--env " + variable;
  return user_error(
      ErrorCode::kInvalidArgument,
      option + ": the variable is not set here; give it a value with " + option + "=VALUE");
}

Error not_text(const std::string& variable, const std::string& value) {
  return user_error(ErrorCode::kInvalidArgument, "--env " + variable + ": its value '" +
                                                     printable(value) + "' is not valid UTF-8");
}

Result<void> add_environment(const std::vector<std::string>& typed, const Environment& environment,
                             google::protobuf::Map<std::string, std::string>& env) {
  env["PATH"] = kDefaultPath;
  for (const std::string& variable : typed) {
    const size_t equals = variable.find('=');
    const std::string name = variable.substr(0, equals);
    if (name.empty()) {
      return user_error(ErrorCode::kInvalidArgument,
                        "--env '" + variable + "' has no name; write --env NAME=VALUE");
    }
    if (equals != std::string::npos) {
      env[name] = variable.substr(equals + 1);
      continue;
    }
    const auto value = environment(name);
    if (!value) return not_set(name);
    if (!is_valid_utf8(*value)) return not_text(name, *value);
    env[name] = *value;
  }
  return {};
}

// An output is relative to where the process starts, also if it was typed from the root ("//out").
Result<std::string> output_path(const std::string& typed, const v1::Process& process,
                                const SpecResolver& paths) {
  if (!typed.starts_with('/')) return typed;
  KILN_ASSIGN(const std::string path, paths.path(typed));
  std::string seen = path_from(process.working_directory(), path);
  if (!seen.starts_with("..")) return seen;
  return user_error(ErrorCode::kInvalidArgument,
                    "the output '" + typed + "' is not below the directory that the process " +
                        "starts in; choose that with --workdir");
}

}  // namespace

void ExecOptions::add_to(OptionParser& parser) {
  parser.begin_group("What it reads");
  parser.list("--input", "GLOB", input,
              "files of the workspace, relative to the current\n"
              "directory or, as //GLOB, to the root; !GLOB excludes");
  parser.flag("--no-ignore", no_ignore, "wildcards of --input match what git ignores, too");
  parser.list("--digest", "DIGEST", digest, "a stored tree, as from kiln digest");
  parser.list("--env", "NAME[=VALUE]", env,
              "a variable; without a value, the one it has here.\n"
              "Nothing else is passed on but PATH=/usr/local/bin:/usr/bin:/bin");
  parser.begin_group("What it makes");
  parser.list("--output-file", "PATH", output_file, "a file that it makes, relative to --workdir");
  parser.list("--output-dir", "PATH", output_dir, "a directory that it makes, with all in it");
  parser.flag("--require-outputs", require_outputs, "a missing output is an error");
  parser.choice<Write>(
      "--write", "[=WHEN]", write,
      {{"on_success", Write::kOnSuccess}, {"always", Write::kAlways}, {"never", Write::kNever}},
      "write the outputs into the workspace:\n"
      "{choices};\n"
      "--write alone is on_success. A file that was edited\n"
      "since it was read is not replaced: that is an error");
  parser.implied("--write", "on_success");
  parser.begin_group("How it runs");
  parser.value("--workdir", "PATH", workdir,
               "where it starts; by default the current directory,\n"
               "and // is the workspace root");
  parser.list("--cache-dir", "NAME=PATH", cache_dir,
              "a directory that outlives the process, for what a tool\n"
              "remembers; shared by all that use the name, in no key");
  parser.value("--slot-variable", "NAME", slot_variable,
               "the variable that tells it the number of its slot");
  parser.value("--timeout", "SECONDS", timeout, "end it after this time, with exit code 124");
  parser.choice<v1::Process::CacheScope>(
      "--cache", "SCOPE", cache,
      {{"successful", v1::Process::SUCCESSFUL},
       {"always", v1::Process::ALWAYS},
       {"local-successful", v1::Process::LOCAL_SUCCESSFUL},
       {"local-always", v1::Process::LOCAL_ALWAYS},
       {"restart", v1::Process::PER_RESTART_SUCCESSFUL},
       {"restart-always", v1::Process::PER_RESTART_ALWAYS},
       {"session", v1::Process::PER_SESSION}},
      "which results are used again: {choices}.\n"
      "restart: until the daemon ends; session: for this request");
  parser.choice<v1::Process::Sandbox>(
      "--sandbox", "LEVEL", sandbox,
      {{"auto", v1::Process::AUTO}, {"plain", v1::Process::PLAIN}, {"strict", v1::Process::STRICT}},
      "what it can reach beside its inputs: {choices}.\n"
      "strict: the system's tools alone; plain: what you can;\n"
      "auto: strict where this machine allows it");
  parser.choice<v1::Process::Network>(
      "--network", "WHICH", network,
      {{"none", v1::Process::NONE},
       {"loopback", v1::Process::LOOPBACK},
       {"host", v1::Process::HOST}},
      "what a strict process can reach: {choices};\nnone unless given");
  parser.choice<v1::KeepSandboxes>("--keep-sandboxes", "WHEN", keep_sandboxes,
                                   {{"never", v1::KeepSandboxes::NEVER},
                                    {"on_failure", v1::KeepSandboxes::ON_FAILURE},
                                    {"always", v1::KeepSandboxes::ALWAYS}},
                                   "when its directory stays, with a script __run.sh that\n"
                                   "repeats the process: {choices}");
  parser.flag("--interactive", interactive,
              "run it in this terminal, with your keys and your screen; never cached");
  parser.flag("--in-workspace", in_workspace,
              "with --interactive: run it in the workspace, without a sandbox");
  parser.flag("--inherit-env", inherit_env,
              "with --interactive: pass your environment on; --env is on top of it");
  parser.flag("--restart", restartable,
              "with --interactive: start it again whenever an input changes");
  parser.flag("--explain-key", explain_key,
              "print what its cache key is made of, and do not run it");
  parser.flag("--verify-twice", verify_twice,
              "run it twice, in different directories and seconds,\n"
              "and tell the first difference; exit code 1 if there is one");
  parser.value("--description", "TEXT", description,
               "how messages call it; by default the command");
  parser.value("--batch", "FILE", batch, "many processes, one JSON object per line; - is stdin");
}

bool ExecOptions::needs_workspace() const {
  return !input.empty() || write.value != Write::kNever || in_workspace;
}

bool ExecOptions::describes_process() const {
  return !argv.empty() || !input.empty() || !digest.empty() || !env.empty() ||
         !output_file.empty() || !output_dir.empty() || !cache_dir.empty() || slot_variable ||
         workdir || timeout || cache.given || sandbox.given || network.given || description ||
         require_outputs || no_ignore || interactive || in_workspace || inherit_env ||
         restartable || explain_key || verify_twice;
}

Result<v1::ExecuteRequest> make_execute_request(const ExecOptions& options,
                                                const Environment& environment,
                                                const SpecResolver& paths) {
  v1::ExecuteRequest request;
  v1::Process& process = *request.mutable_process();
  process.mutable_argv()->Assign(options.argv.begin(), options.argv.end());
  for (const std::string& glob : options.input) {
    if (glob.empty()) {
      return user_error(ErrorCode::kInvalidArgument, "--input '' is empty; it takes a glob");
    }
    KILN_ASSIGN(*process.add_input_globs(), paths.glob(glob));
  }
  process.set_working_directory(paths.here());
  if (options.workdir) {
    KILN_ASSIGN(*process.mutable_working_directory(),
                paths.path(*options.workdir).with_context("as --workdir"));
  }
  for (const std::string& path : options.output_file) {
    KILN_ASSIGN(*process.add_output_files(), output_path(path, process, paths));
  }
  for (const std::string& path : options.output_dir) {
    KILN_ASSIGN(*process.add_output_directories(), output_path(path, process, paths));
  }
  for (const std::string& text : options.cache_dir) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return user_error(ErrorCode::kInvalidArgument, "--cache-dir '" + text + "' is not NAME=PATH");
    }
    KILN_ASSIGN((*process.mutable_append_only_caches())[text.substr(0, equals)],
                paths.path(text.substr(equals + 1)).with_context("as --cache-dir"));
  }
  process.set_execution_slot_variable(options.slot_variable.value_or(""));
  for (const std::string& text : options.digest) {
    KILN_ASSIGN(*process.add_input_digests(), digest_of_text(text));
  }
  KILN_TRY(add_environment(options.env, environment, *process.mutable_env()));
  process.set_cache_scope(options.cache.value);
  process.set_sandbox(options.sandbox.value);
  process.set_network(options.network.value);
  process.set_require_outputs(options.require_outputs);
  process.set_no_ignore(options.no_ignore);
  if (options.timeout) {
    KILN_ASSIGN(const double seconds, parse_timeout(*options.timeout));
    process.set_timeout_seconds(seconds);
  }
  process.set_description(options.description ? *options.description
                                              : command_text(options.argv, kDescriptionColumns));
  request.set_keep_sandboxes(options.keep_sandboxes.value);
  set_write_outputs(options, request);
  return request;
}

}  // namespace kiln
