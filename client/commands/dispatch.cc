#include "client/commands/dispatch.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "client/commands/command.h"
#include "client/commands/help.h"
#include "client/nearest_name.h"
#include "client/option_variables.h"
#include "client/process_json.h"
#include "common/types/own_commands.h"
#include "common/types/rel_path.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"exec", "Run a process in a sandbox, or answer from what is known", run_exec},
    {"list", "List the files that specs match", run_list},
    {"lint", "Run linters over the files that specs match", run_lint},
    {"paths", "Print the names of the files that match globs", run_paths},
    {"digest capture", "Store matching files and print the digest of their tree",
     run_digest_capture},
    {"digest create", "Store a tree of files that need not exist", run_digest_create},
    {"digest ls", "List a stored tree", run_digest_ls},
    {"digest cat", "Print one file of a stored tree", run_digest_cat},
    {"digest entries", "Print what a stored tree is made of", run_digest_entries},
    {"digest merge", "Make one tree of several", run_digest_merge},
    {"digest subset", "Keep what matches globs", run_digest_subset},
    {"digest add-prefix", "Move a tree below a directory", run_digest_add_prefix},
    {"digest remove-prefix", "Move a tree up from a directory", run_digest_remove_prefix},
    {"digest diff", "Print what differs between two trees", run_digest_diff},
    {"digest download", "Store a file from elsewhere, once", run_digest_download},
    {"digest write", "Write a tree into the workspace", run_digest_write},
    {"rules list", "List what the daemon can compute", run_rules_list},
    {"rules explain", "Explain how values of a type come about", run_rules_explain},
    {"rules graph", "Draw the compiled rule graph", run_rules_graph},
    {"rules query", "Compute a value by its type", run_rules_query},
    {"daemon start", "Start the daemon, if it does not run", run_daemon_start},
    {"daemon stop", "Stop the daemon when its work is done", run_daemon_stop},
    {"daemon status", "Show what the daemon does and holds", run_daemon_status},
    {"daemon restart", "Stop the daemon and start it again", run_daemon_restart},
    {"daemon log", "Print the daemon's log", run_daemon_log},
});

// No goal of the daemon's rules is named like a command. Two of the commands are goals themselves.
constexpr bool is_goal(const Command& command) {
  return command.run == run_list || command.run == run_lint;
}
static_assert(std::all_of(kCommands.begin(), kCommands.end(), [](const Command& command) {
  return is_goal(command) || is_own_command(command.name.substr(0, command.name.find(' ')));
}));

// Named in kiln's documentation, and not there yet.
constexpr auto kPlanned = std::to_array<std::string_view>(
    {"test", "fmt", "fix", "check", "package", "run", "repl", "dependencies", "dependents", "peek",
     "filter", "roots", "tailor", "filedeps", "store", "runs", "attach", "doctor", "completion"});

constexpr std::string_view kExitCodes =
    "\nExit codes:\n"
    "  0 done; 1 the answer is no; 2 the command line is wrong; 125 kiln itself failed;\n"
    "  128+N ended by signal N. exec: those of the process; 124 it timed out, 126 it cannot be\n"
    "  executed, 127 it was not found.\n";

std::string family_of(std::string_view name) {
  return std::string(name.substr(0, std::min(name.find(' '), name.size())));
}

bool is_family(const std::string& word) {
  return std::any_of(kCommands.begin(), kCommands.end(),
                     [&](const Command& command) { return command.name.starts_with(word + " "); });
}

bool is_command(std::string_view name) {
  return std::any_of(kCommands.begin(), kCommands.end(),
                     [&](const Command& command) { return command.name == name; });
}

std::string row(std::string_view name, std::string_view summary) {
  std::string text = "  " + std::string(name) + "  ";
  text.resize(std::max<size_t>(text.size(), 24), ' ');
  return text + std::string(summary) + "\n";
}

std::string command_list(const std::string& family) {
  std::string out;
  for (const Command& command : kCommands) {
    if (!family.empty() && family_of(command.name) != family) continue;
    out += row(command.name, command.summary);
  }
  return out;
}

// "Run it." in a list, where no sentence ends.
std::string_view as_phrase(std::string_view summary) {
  if (summary.ends_with('.')) summary.remove_suffix(1);
  return summary;
}

// What the daemon's rules add to the commands.
std::string added_by(const RuleNames& rules) {
  std::string goals;
  for (const GoalName& goal : rules.goals) {
    if (!is_command(goal.name)) goals += row(goal.name, as_phrase(goal.summary));
  }
  std::string scopes;
  for (const ScopeName& scope : rules.scopes) scopes += row(scope.name, as_phrase(scope.summary));
  if (!goals.empty()) goals = "\nGoals of the daemon's rules:\n" + goals;
  if (!scopes.empty()) scopes = "\nScopes of options (kiln help SCOPE):\n" + scopes;
  return goals + scopes;
}

std::string environment() {
  std::string text = "\nEnvironment:\n";
  for (const OwnVariable& variable : own_variables()) {
    std::string_view rest = variable.meaning;
    for (std::string_view name = variable.name; !rest.empty(); name = "") {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      text += row(name, line);
    }
  }
  return text + row("KILN_SCOPE_NAME", "sets an option, as --option SCOPE.NAME does") +
         row("NO_COLOR", "no colours");
}

std::string overview(const std::string& family, const RuleNames& rules) {
  const std::string name = family.empty() ? "kiln" : "kiln " + family;
  std::string out = "kiln " KILN_VERSION ": builds that stay warm\n\n";
  if (!family.empty()) out.clear();
  out += "Usage: " + name + " COMMAND [OPTION]...\n\nCommands:\n" + command_list(family);
  if (family.empty()) {
    out += added_by(rules) + environment();
    out += kExitCodes;
    out += "\nExample:\n  kiln exec --input 'src/**' --output-file app -- cc -o app src/main.c\n";
  }
  out += "\nkiln COMMAND --help says more about each.\n";
  return out;
}

Error unknown_command(const CommandLine& line, const RuleNames& rules) {
  const std::string typed =
      line.subcommand.empty() ? line.command : line.command + " " + line.subcommand;
  if (std::find(kPlanned.begin(), kPlanned.end(), typed) != kPlanned.end() ||
      std::find(kPlanned.begin(), kPlanned.end(), line.command) != kPlanned.end()) {
    return user_error(ErrorCode::kUnsupported, typed + ": not supported yet");
  }
  // Only the word that is wrong is compared: "digest nope" is like no command of digest.
  const std::string family = line.subcommand.empty() ? "" : line.command + " ";
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
    if (!command.name.starts_with(family)) continue;
    names.push_back(family_of(command.name.substr(family.size())));
  }
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
Result<void> print_overview(const std::string& family, Console& console, Interrupt& interrupt) {
  RuleNames rules;
  if (const auto paths = daemon_paths(process_environment()); family.empty() && paths.ok()) {
    if (auto found = find_rule_names(*paths, interrupt); found.ok()) rules = *std::move(found);
  }
  return console.write_stdout(overview(family, rules));
}

Result<int> without_command(CommandLine line, Console& console, Interrupt& interrupt) {
  const auto given = [&line](std::string_view option) {
    return std::find(line.arguments.begin(), line.arguments.end(), option) != line.arguments.end();
  };
  if (line.command.empty() && given("--version")) {
    KILN_TRY(console.write_stdout("kiln " KILN_VERSION "\n"));
    return 0;
  }
  const bool family = is_family(line.command);
  if ((line.command.empty() || family) &&
      std::any_of(line.arguments.begin(), line.arguments.end(), is_help)) {
    KILN_TRY(print_overview(line.command, console, interrupt));
    return 0;
  }
  if (line.command.empty() && !line.arguments.empty()) {
    static const std::vector<std::string> kOptions = {
        "--help", "--version", "--root", "--json", "--color", "--progress", "--profile", "--level"};
    const std::string& option = line.arguments.front();
    if (std::find(kOptions.begin(), kOptions.end(), option) == kOptions.end()) {
      return user_error(
          ErrorCode::kInvalidArgument,
          "unknown option " + option + did_you_mean(option, kOptions) + "\n  see kiln --help");
    }
  }
  if (line.command.empty() || (family && line.subcommand.empty())) {
    return user_error(ErrorCode::kInvalidArgument,
                      "a command is needed\n\n" + overview(line.command, {}));
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
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    Invocation invocation(std::move(line.arguments), console, interrupt);
    return command.run(invocation);
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
  console.say_error(result.error());
  // Whoever cannot be told so either reads the exit code.
  if (json) (void)console.write_stdout(dumped_line({{"error", error_json(result.error())}}));
  return exit_code(result.error().code(), result.error().blame());
}

Invocation::Invocation(std::vector<std::string> arguments, Console& console, Interrupt& interrupt)
    : arguments_(std::move(arguments)), console_(console), interrupt_(interrupt) {}

Result<bool> Invocation::parse(OptionParser& parser, Events events) {
  globals_.add_to(parser);
  KILN_ASSIGN(const bool run, parser.parse(std::move(arguments_)));
  if (!run) {
    KILN_TRY(console_.write_stdout(parser.help()));
    return false;
  }
  KILN_TRY(globals_.apply(console_));
  if (globals_.profile() && events == Events::kNone) {
    return user_error(ErrorCode::kUnsupported,
                      "--profile: this command runs nothing that could be profiled");
  }
  return true;
}

std::vector<std::string> Invocation::take_arguments(bool (*taken)(const std::string&)) {
  const auto end = std::find(arguments_.begin(), arguments_.end(), "--");
  const auto kept = std::stable_partition(
      arguments_.begin(), end, [taken](const std::string& argument) { return !taken(argument); });
  std::vector<std::string> out(kept, end);
  arguments_.erase(kept, end);
  return out;
}

Result<Session*> Invocation::session() {
  if (!session_) {
    KILN_ASSIGN(DaemonPaths paths, daemon_paths(process_environment()));
    session_ = std::make_unique<Session>(std::move(paths), console_, interrupt_);
  }
  return session_.get();
}

Result<void> Invocation::fill(v1::Caller& caller) const {
  KILN_ASSIGN(*caller.mutable_workspace_root(), globals_.workspace_root());
  caller.set_client_version(KILN_VERSION);
  return {};
}

}  // namespace kiln
