#include "client/commands/overview.h"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "client/command_help.h"
#include "client/commands/command_table.h"
#include "client/option_variables.h"
#include "common/base/version.h"

namespace kiln {

namespace {

using Json = nlohmann::ordered_json;

std::string title() { return "kiln " + std::string(version()) + ": builds that stay warm"; }

constexpr std::string_view kExample =
    "kiln exec --input 'src/**' --output-file app -- cc -o app src/main.c";

constexpr auto kExitCodes =
    std::to_array({kDone, kAnswerIsNo, kWrongCommandLine, kProcessTimedOut, kKilnFailed,
                   kProcessCannotRun, kProcessNotFound, kEndedBySignal, kThatOfProcess});

// A name and what it stands for.
struct Entry {
  std::string name;
  std::string meaning;  // lines
};
using Entries = std::vector<Entry>;

// "Run it." in a list, where no sentence ends.
std::string as_phrase(std::string summary) {
  if (summary.ends_with('.')) summary.pop_back();
  return summary;
}

Entries commands(const std::string& family) {
  Entries entries;
  for (const Command* command : commands_of(family)) {
    entries.push_back({std::string(command->name), std::string(command->summary)});
  }
  return entries;
}

// Those that are no commands.
Entries goals(const RuleNames& rules) {
  Entries entries;
  for (const GoalName& goal : rules.goals) {
    if (find_command(goal.name) == nullptr) {
      entries.push_back({goal.name, as_phrase(goal.summary)});
    }
  }
  return entries;
}

Entries scopes(const RuleNames& rules) {
  Entries entries;
  for (const ScopeName& scope : rules.scopes) {
    entries.push_back({scope.name, as_phrase(scope.summary)});
  }
  return entries;
}

Entries variables() {
  Entries entries;
  for (const OwnVariable& variable : own_variables()) {
    entries.push_back({std::string(variable.name), std::string(variable.meaning)});
  }
  entries.push_back({"KILN_SCOPE_NAME", "sets an option, as --option SCOPE.NAME does"});
  entries.push_back({"NO_COLOR", "no colours"});
  return entries;
}

std::string usage(const std::string& family) {
  return "kiln " + (family.empty() ? "" : family + " ") + "COMMAND [OPTION]...";
}

std::string table(std::string_view heading, const Entries& entries) {
  constexpr size_t kMeaningColumn = 24;
  if (entries.empty()) return "";
  std::string out = "\n" + std::string(heading) + ":\n";
  for (const Entry& entry : entries) out += help_row(entry.name, entry.meaning, kMeaningColumn);
  return out;
}

Json array(const Entries& entries, const char* meaning) {
  Json out = Json::array();
  for (const Entry& entry : entries) {
    out.push_back({{"name", entry.name}, {meaning, one_line(entry.meaning)}});
  }
  return out;
}

}  // namespace

std::string Overview::as_text() const {
  const bool whole = family.empty();
  std::string out = whole ? title() + "\n\n" : "";
  out += "Usage: " + usage(family) + "\n" + table("Commands", commands(family));
  if (whole) {
    out += table("Goals of the daemon's rules", goals(rules)) +
           table("Scopes of options (kiln help SCOPE)", scopes(rules)) +
           table("Environment", variables()) + "\n" + kiln::as_text(kExitCodes) + "\nExample:\n  " +
           std::string(kExample) + "\n";
  }
  return out + "\nkiln COMMAND --help says more about each.\n";
}

nlohmann::ordered_json Overview::as_json() const {
  Json json = {
      {"name", family}, {"usage", usage(family)}, {"commands", array(commands(family), "summary")}};
  if (!family.empty()) return json;
  json["name"] = "kiln";
  json["summary"] = title();
  json["goals"] = array(goals(rules), "summary");
  json["scopes"] = array(scopes(rules), "summary");
  json["environment"] = array(variables(), "meaning");
  json["exit_codes"] = kiln::as_json(kExitCodes);
  json["example"] = kExample;
  return json;
}

}  // namespace kiln
