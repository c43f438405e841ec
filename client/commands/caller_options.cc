#include "client/commands/caller_options.h"

#include <unistd.h>

#include "client/option_variables.h"
#include "common/ipc/paths.h"
#include "kiln/v1/common.pb.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace kiln {

namespace {

Result<void> add_option(const std::string& text, v1::Caller& caller) {
  const size_t dot = text.find('.');
  const size_t equals = text.find('=', dot == std::string::npos ? 0 : dot);
  if (dot == std::string::npos || dot == 0 || equals == std::string::npos || equals == dot + 1) {
    return user_error(ErrorCode::kInvalidArgument,
                      "--option '" + text + "' is not SCOPE.NAME=VALUE");
  }
  v1::OptionSetting& option = *caller.add_options();
  option.set_scope(text.substr(0, dot));
  option.set_name(text.substr(dot + 1, equals - dot - 1));
  option.set_value(text.substr(equals + 1));
  return {};
}

}  // namespace

void CallerOptions::add_to(OptionParser& parser) {
  add_settings_to(parser, options);
  parser.list("--env", "NAME", lent, "lend rules the value of an environment variable");
}

void add_settings_to(OptionParser& parser, std::vector<std::string>& settings) {
  parser.list("--option", "SCOPE.NAME=VALUE", settings,
              "set an option, over KILN_SCOPE_NAME and kiln.toml;\n"
              "SCOPE.NAME.add adds to a list; see kiln help SCOPE");
}

Result<void> fill_options(const std::vector<std::string>& settings, v1::Caller& caller) {
  for (const std::string& setting : settings) KILN_TRY(add_option(setting, caller));
  KILN_ASSIGN(const auto variables, option_variables(environ));
  caller.mutable_option_variables()->insert(variables.begin(), variables.end());
  return {};
}

Result<void> CallerOptions::fill(v1::Caller& caller) const {
  KILN_TRY(fill_options(options, caller));
  const Environment environment = process_environment();
  for (const std::string& name : lent) {
    const auto value = environment(name);
    if (!value) {
      return user_error(ErrorCode::kInvalidArgument,
                        "--env " + name + ": this variable is not set here");
    }
    (*caller.mutable_environment())[name] = *value;
  }
  return {};
}

}  // namespace kiln
