#include "client/goal_names.h"

#include "client/h2_transport.h"
#include "kiln/v1/goals.pb.h"

namespace kiln {

namespace {

constexpr std::string_view kMethod = "/kiln.v1.Goals/List";

v1::ListGoalsRequest request() {
  v1::ListGoalsRequest request;
  request.mutable_caller()->set_client_version(KILN_VERSION);
  return request;
}

std::vector<GoalName> names_of(const v1::ListGoalsResponse& response) {
  std::vector<GoalName> goals;
  for (const auto& goal : response.goals()) goals.push_back({goal.name(), goal.summary()});
  return goals;
}

}  // namespace

Result<std::vector<GoalName>> ask_goals(Session& session) {
  v1::ListGoalsResponse response;
  KILN_TRY(session.unary(kMethod, request(), response));
  return names_of(response);
}

std::vector<GoalName> goals_of_running_daemon(const DaemonPaths& paths, Interrupt& interrupt) {
  auto connection = find_daemon(paths, interrupt);
  if (!connection.ok() || !*connection) return {};
  H2Transport transport(std::move((*connection)->socket), interrupt);
  SingleRequest list(request().SerializeAsString());
  v1::ListGoalsResponse response;
  const auto listed = transport.call(kMethod, list, [&response](std::string_view bytes) {
    return parse_message(bytes, response);
  });
  return listed.ok() ? names_of(response) : std::vector<GoalName>();
}

}  // namespace kiln
