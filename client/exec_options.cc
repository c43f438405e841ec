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

}  // namespace

void ExecOptions::add_to(OptionParser& parser) {
  parser.begin_group("What it reads");
  parser.list("--input", "GLOB", input, "files of the workspace; !GLOB excludes");
  parser.list("--digest", "DIGEST", digest, "a stored tree, as from kiln digest");
  parser.list("--env", "NAME[=VALUE]", env,
              "a variable; without a value, the one it has here.\n"
              "Nothing else is passed on but PATH=/usr/local/bin:/usr/bin:/bin");
  parser.begin_group("What it makes");
  parser.list("--output-file", "PATH", output_file, "a file to keep, relative to --workdir");
  parser.list("--output-dir", "PATH", output_dir, "a directory to keep");
  parser.flag("--require-outputs", require_outputs, "a missing output is an error");
  parser.flag("--write", write, "write the outputs into the workspace");
  parser.begin_group("How it runs");
  parser.value("--workdir", "PATH", workdir, "where it starts, relative to the sandbox");
  parser.value("--timeout", "SECONDS", timeout, "end it after this time, with exit code 124");
  parser.choice<v1::Process::CacheScope>("--cache", "SCOPE", cache,
                                         {{"successful", v1::Process::SUCCESSFUL},
                                          {"always", v1::Process::ALWAYS},
                                          {"session", v1::Process::PER_SESSION},
                                          {"restart", v1::Process::PER_RESTART_SUCCESSFUL}},
                                         "{choices}");
  parser.choice<v1::Process::Sandbox>(
      "--sandbox", "LEVEL", sandbox,
      {{"auto", v1::Process::AUTO}, {"plain", v1::Process::PLAIN}, {"strict", v1::Process::STRICT}},
      "{choices}");
  parser.choice<v1::Process::Network>("--network", "WHICH", network,
                                      {{"none", v1::Process::NONE},
                                       {"loopback", v1::Process::LOOPBACK},
                                       {"host", v1::Process::HOST}},
                                      "{choices}; none unless given, with --sandbox strict");
  parser.choice<v1::KeepSandboxes>("--keep-sandboxes", "WHEN", keep_sandboxes,
                                   {{"never", v1::KeepSandboxes::NEVER},
                                    {"on_failure", v1::KeepSandboxes::ON_FAILURE},
                                    {"always", v1::KeepSandboxes::ALWAYS}},
                                   "{choices}");
  parser.value("--description", "TEXT", description, "what to call it");
  parser.value("--batch", "FILE", batch, "many processes, one JSON object per line; - is stdin");
}

bool ExecOptions::describes_process() const {
  return !argv.empty() || !input.empty() || !digest.empty() || !env.empty() ||
         !output_file.empty() || !output_dir.empty() || workdir || timeout || cache.given ||
         sandbox.given || network.given || description || require_outputs;
}

Result<v1::ExecuteRequest> make_execute_request(const ExecOptions& options,
                                                const Environment& environment) {
  v1::ExecuteRequest request;
  v1::Process& process = *request.mutable_process();
  process.mutable_argv()->Assign(options.argv.begin(), options.argv.end());
  process.mutable_input_globs()->Assign(options.input.begin(), options.input.end());
  process.mutable_output_files()->Assign(options.output_file.begin(), options.output_file.end());
  process.mutable_output_directories()->Assign(options.output_dir.begin(),
                                               options.output_dir.end());
  if (std::find(options.input.begin(), options.input.end(), "") != options.input.end()) {
    return user_error(ErrorCode::kInvalidArgument, "--input '' is empty; it takes a glob");
  }
  for (const std::string& text : options.digest) {
    KILN_ASSIGN(*process.add_input_digests(), digest_of_text(text));
  }
  KILN_TRY(add_environment(options.env, environment, *process.mutable_env()));
  process.set_cache_scope(options.cache.value);
  process.set_sandbox(options.sandbox.value);
  process.set_network(options.network.value);
  process.set_working_directory(options.workdir.value_or(""));
  process.set_require_outputs(options.require_outputs);
  if (options.timeout) {
    KILN_ASSIGN(const double seconds, parse_timeout(*options.timeout));
    process.set_timeout_seconds(seconds);
  }
  process.set_description(options.description ? *options.description
                                              : command_text(options.argv, kDescriptionColumns));
  request.set_keep_sandboxes(options.keep_sandboxes.value);
  request.set_write_outputs(options.write);
  return request;
}

}  // namespace kiln
