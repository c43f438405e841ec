#include "client/goal_names.h"

#include <algorithm>

#include "client/daemon_program.h"
#include "client/h2_transport.h"
#include "common/base/version.h"
#include "kiln/v1/goals.pb.h"

namespace kiln {

namespace {

constexpr std::string_view kMethod = "/kiln.v1.Goals/List";
// Of a daemon that gives no sign of life: the program knows the names as well.
constexpr Silence::Limits kPatience = {.ask = std::chrono::milliseconds(500),
                                       .tell = std::chrono::milliseconds(500),
                                       .give_up = std::chrono::milliseconds(2000)};

v1::ListGoalsRequest request() {
  v1::ListGoalsRequest request;
  request.mutable_caller()->set_client_version(std::string(version()));
  return request;
}

RuleNames names_of(const v1::ListGoalsResponse& response) {
  RuleNames names;
  for (const auto& goal : response.goals()) names.goals.push_back({goal.name(), goal.summary()});
  for (const auto& scope : response.scopes()) {
    names.scopes.push_back({scope.name(), scope.summary()});
  }
  return names;
}

// The lines of `kilnd --list-goals`: "goal" or "scope", name and summary, with tabs between.
RuleNames names_of_lines(std::string_view text) {
  RuleNames names;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t kind = line.find('\t');
    const size_t name = kind == std::string_view::npos ? kind : line.find('\t', kind + 1);
    if (name == std::string_view::npos) continue;
    auto& into = line.substr(0, kind) == "goal" ? names.goals : names.scopes;
    into.push_back(
        {std::string(line.substr(kind + 1, name - kind - 1)), std::string(line.substr(name + 1))});
  }
  return names;
}

const GoalName* find(const std::vector<GoalName>& names, std::string_view name) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [name](const GoalName& known) { return known.name == name; });
  return found == names.end() ? nullptr : &*found;
}

}  // namespace

const GoalName* RuleNames::find_goal(std::string_view name) const { return find(goals, name); }
const ScopeName* RuleNames::find_scope(std::string_view name) const { return find(scopes, name); }

Result<RuleNames> ask_rule_names(Session& session) {
  v1::ListGoalsResponse response;
  KILN_TRY(session.unary(kMethod, request(), response));
  return names_of(response);
}

Result<RuleNames> find_rule_names(const DaemonPaths& paths, Interrupt& interrupt) {
  auto connection = find_daemon(paths, interrupt);
  if (connection.ok() && *connection) {
    H2Transport transport(std::move((*connection)->socket), interrupt, kPatience);
    SingleRequest list(request().SerializeAsString());
    v1::ListGoalsResponse response;
    const auto listed = transport.call(kMethod, list, [&response](std::string_view bytes) {
      return parse_message(bytes, response);
    });
    if (listed.ok()) return names_of(response);
    if (interrupt.signal() != 0) return listed.error();
  }
  // None runs, or one that is going or of another version.
  const Interrupt::Suspension mortal(interrupt);
  KILN_ASSIGN(const std::string lines, daemon_output("--list-goals"));
  return names_of_lines(lines);
}

}  // namespace kiln
