#include "client/commands/dispatch.h"

#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/commands/command.h"
#include "client/commands/command_table.h"
#include "client/commands/help.h"
#include "client/commands/overview.h"
#include "client/nearest_name.h"
#include "client/process_json.h"
#include "common/base/version.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

Error unknown_command(const CommandLine& line, const RuleNames& rules) {
  const std::string typed =
      line.subcommand.empty() ? line.command : line.command + " " + line.subcommand;
  if (is_planned(typed) || is_planned(line.command)) {
    return user_error(ErrorCode::kUnsupported, typed + ": not supported yet");
  }
  // Only the word that is wrong is compared: "digest nope" is like no command of digest.
  const std::string family = line.subcommand.empty() ? "" : line.command + " ";
  std::vector<std::string> names = next_words(line.subcommand.empty() ? "" : line.command);
  if (family.empty()) {
    if (rules.find_scope(line.command) != nullptr) {
      return user_error(
          ErrorCode::kInvalidArgument,
          "'" + typed + "' is no command but a scope of options\n  see kiln help " + typed);
    }
    for (const GoalName& goal : rules.goals) names.push_back(goal.name);
    for (const ScopeName& scope : rules.scopes) names.push_back(scope.name);
  }
  const std::string nearest =
      nearest_name(line.subcommand.empty() ? line.command : line.subcommand, names);
  return user_error(ErrorCode::kInvalidArgument,
                    "unknown command '" + typed + "'" +
                        (nearest.empty() ? "" : "; did you mean " + family + nearest + "?") +
                        "\n  see kiln " + family + "--help");
}

// Everything is sent as text, and text is UTF-8.
Result<void> check_utf8(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (is_valid_utf8(argument)) continue;
    return user_error(ErrorCode::kInvalidArgument,
                      "the argument '" + printable(argument) + "' is not valid UTF-8");
  }
  return {};
}

// A word that is no command may be a goal of the daemon's rules, or a scope that help is wanted
// for.
Result<int> run_other(CommandLine line, Console& console, Interrupt& interrupt) {
  KILN_ASSIGN(const DaemonPaths paths, daemon_paths(process_environment()));
  const auto rules = find_rule_names(paths, interrupt);
  if (!rules.ok()) {
    return rules.error().with_context("while asking whether '" + line.command + "' is a goal");
  }
  const bool help = std::any_of(line.arguments.begin(), line.arguments.end(), is_help);
  const ScopeName* scope = rules->find_scope(line.command);
  const GoalName* goal = rules->find_goal(line.command);
  if (goal == nullptr && (scope == nullptr || !help)) return unknown_command(line, *rules);
  if (goal == nullptr) std::erase_if(line.arguments, is_help);
  Invocation invocation(std::move(line.arguments), console, interrupt);
  return goal == nullptr ? run_scope_help(invocation, *scope) : run_goal(invocation, *goal, *rules);
}

// The commands, whether or not there is a daemon to say more.
Result<void> print_overview(const std::string& family, bool as_data, Console& console,
                            Interrupt& interrupt) {
  RuleNames rules;
  if (const auto paths = daemon_paths(process_environment()); family.empty() && paths.ok()) {
    if (auto found = find_rule_names(*paths, interrupt); found.ok()) rules = *std::move(found);
  }
  const Overview overview{family, std::move(rules)};
  return console.write_stdout(as_data ? dumped_line(overview.as_json()) : overview.as_text());
}

Result<int> without_command(CommandLine line, Console& console, Interrupt& interrupt) {
  const auto given = [&line](std::string_view option) {
    return std::find(line.arguments.begin(), line.arguments.end(), option) != line.arguments.end();
  };
  if (line.command.empty() && given("--version")) {
    KILN_TRY(console.write_stdout("kiln " + std::string(version()) + "\n"));
    return 0;
  }
  const bool family = is_family(line.command);
  if ((line.command.empty() || family) &&
      std::any_of(line.arguments.begin(), line.arguments.end(), is_help)) {
    KILN_TRY(print_overview(line.command, given("--json"), console, interrupt));
    return 0;
  }
  if (line.command.empty() && !line.arguments.empty()) {
    static const std::vector<std::string> kOptions = {"--help",          "--version", "--root",
                                                      "--root-relative", "--json",    "--color",
                                                      "--progress",      "--profile", "--level"};
    const std::string& option = line.arguments.front();
    if (std::find(kOptions.begin(), kOptions.end(), option) == kOptions.end()) {
      return user_error(
          ErrorCode::kInvalidArgument,
          "unknown option " + option + did_you_mean(option, kOptions) + "\n  see kiln --help");
    }
  }
  if (line.command.empty() || (family && line.subcommand.empty())) {
    return user_error(ErrorCode::kInvalidArgument,
                      "a command is needed\n\n" + Overview{line.command, {}}.as_text());
  }
  if (family) return unknown_command(line, {});
  return run_other(std::move(line), console, interrupt);
}

Result<int> dispatch(std::vector<std::string> arguments, Console& console, Interrupt& interrupt) {
  KILN_TRY(check_utf8(arguments));
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  CommandLine line = split_command_line(std::move(arguments), is_family);
  const std::string name =
      line.subcommand.empty() ? line.command : line.command + " " + line.subcommand;
  if (const Command* command = find_command(name)) {
    Invocation invocation(std::move(line.arguments), console, interrupt);
    return command->run(invocation);
  }
  return without_command(std::move(line), console, interrupt);
}

}  // namespace

int run_command_line(std::vector<std::string> arguments, Console& console, Interrupt& interrupt) {
  const auto options_end = std::find(arguments.begin(), arguments.end(), "--");
  const bool json = std::find(arguments.begin(), options_end, "--json") != options_end;
  const auto result = dispatch(std::move(arguments), console, interrupt);
  console.clear_status();
  if (interrupt.signal() != 0) return 128 + interrupt.signal();
  if (result.ok()) return *result;
  if (console.stdout_is_gone()) return 128 + SIGPIPE;
  console.say_error(result.error());
  // Whoever cannot be told so either reads the exit code.
  if (json) (void)console.write_stdout(dumped_line({{"error", error_json(result.error())}}));
  return exit_code(result.error().code(), result.error().blame());
}

}  // namespace kiln
