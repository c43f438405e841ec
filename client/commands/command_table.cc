#include "client/commands/command_table.h"

#include <algorithm>
#include <array>

#include "common/types/own_commands.h"

namespace kiln {

namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"exec", "Run a process in a sandbox, or repeat the result of an equal one", run_exec},
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
    {"daemon socket", "Print the path of the daemon's socket", run_daemon_socket},
    {"doctor", "Show what this machine allows, and how to get the rest", run_doctor},
});

constexpr std::string_view first_word(std::string_view name) {
  return name.substr(0, name.find(' '));
}

// No goal of the daemon's rules is named like a command. Two of the commands are goals themselves.
constexpr bool is_goal(const Command& command) {
  return command.run == run_list || command.run == run_lint;
}
static_assert(std::all_of(kCommands.begin(), kCommands.end(), [](const Command& command) {
  return is_goal(command) || is_own_command(first_word(command.name));
}));

// Named in kiln's documentation, and not there yet.
constexpr auto kPlanned = std::to_array<std::string_view>(
    {"test", "fmt", "fix", "check", "package", "run", "repl", "dependencies", "dependents", "peek",
     "filter", "roots", "tailor", "filedeps", "store", "runs", "attach", "completion"});

}  // namespace

const Command* find_command(std::string_view name) {
  const auto* const found =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [name](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

bool is_family(const std::string& word) {
  return std::any_of(kCommands.begin(), kCommands.end(),
                     [&](const Command& command) { return command.name.starts_with(word + " "); });
}

bool is_planned(std::string_view name) {
  return std::find(kPlanned.begin(), kPlanned.end(), name) != kPlanned.end();
}

std::vector<std::string> next_words(const std::string& family) {
  const std::string before = family.empty() ? "" : family + " ";
  std::vector<std::string> words;
  for (const Command& command : kCommands) {
    if (!command.name.starts_with(before)) continue;
    words.emplace_back(first_word(command.name.substr(before.size())));
  }
  return words;
}

std::vector<const Command*> commands_of(const std::string& family) {
  std::vector<const Command*> commands;
  for (const Command& command : kCommands) {
    if (family.empty() || first_word(command.name) == family) commands.push_back(&command);
  }
  return commands;
}

}  // namespace kiln
