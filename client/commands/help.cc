#include "client/commands/help.h"

#include <cctype>
#include <nlohmann/json.hpp>

#include "client/option_parser.h"
#include "client/option_text.h"
#include "client/process_json.h"
#include "kiln/v1/rules.pb.h"

namespace kiln {

namespace {

constexpr const char* kMethod = "/kiln.v1.Rules/Options";

std::string ways_to_set(const ScopeName& scope) {
  std::string upper = scope.name;
  for (char& c : upper)
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "Options can be set\n"
         "  with --option " +
         scope.name +
         ".NAME=VALUE,\n"
         "  in the environment, as KILN_" +
         upper +
         "_NAME=VALUE,\n"
         "  in kiln.toml at the workspace root, as NAME = VALUE under [" +
         scope.name +
         "],\n"
         "of which the first counts. To add to a list instead of replacing it say NAME.add (in "
         "the\n"
         "environment NAME_ADD). Several elements are written [\"a\", \"b\"].";
}

Result<v1::OptionsResponse> goal_options(Invocation& invocation, const std::string& goal,
                                         const CallerOptions& caller) {
  v1::OptionsRequest request;
  request.set_goal(goal);
  KILN_TRY(caller.fill(*request.mutable_caller()));
  return invocation.ask<v1::OptionsResponse>(kMethod, request);
}

}  // namespace

Result<int> run_scope_help(Invocation& invocation, const ScopeName& scope) {
  CallerOptions caller;
  OptionParser parser({"kiln help " + scope.name, "[OPTION]...",
                       "Options of " + scope.name + ": " + scope.summary, "", ""});
  caller.add_to(parser);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::OptionsRequest request;
  request.set_scope(scope.name);
  KILN_TRY(caller.fill(*request.mutable_caller()));
  KILN_ASSIGN(const auto options, invocation.ask<v1::OptionsResponse>(kMethod, request));
  std::string text;
  if (invocation.globals().json()) {
    text = dumped_line({{"scopes", scopes_json(options)}});
  } else {
    text = scope.name + (scope.summary.empty() ? "" : ": " + scope.summary) + "\n\n" +
           ways_to_set(scope) + "\n\nOptions:\n";
    for (const auto& listed : options.scopes()) text += option_text(listed);
  }
  KILN_TRY(invocation.console().write_stdout(text));
  return 0;
}

Result<void> print_goal_options(Invocation& invocation, const std::string& goal,
                                const CallerOptions& caller) {
  const auto options = goal_options(invocation, goal, caller);
  if (invocation.interrupt().signal() != 0) return options.error();
  std::string text;
  if (!options.ok()) {
    text = "  cannot be shown: " + options.error().message() + "\n";
  } else {
    for (const auto& scope : options->scopes()) text += option_text(scope);
    if (text.empty()) return {};
  }
  return invocation.console().write_stdout(
      "\nTo be set with --option, KILN_SCOPE_NAME or kiln.toml (see kiln help SCOPE):\n" + text);
}

Result<void> print_goal_json(Invocation& invocation, const std::string& goal,
                             const CommandHelp& help, const CallerOptions& caller) {
  KILN_ASSIGN(const auto options, goal_options(invocation, goal, caller));
  nlohmann::ordered_json json = as_json(help);
  json["scopes"] = scopes_json(options);
  return invocation.console().write_stdout(dumped_line(json));
}

bool is_help(const std::string& argument) { return argument == "--help" || argument == "-h"; }

}  // namespace kiln
