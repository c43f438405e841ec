#include "daemon/session/option_listing.h"

#include <algorithm>

#include "daemon/rules/nearest.h"

namespace kiln::session {

namespace {

Error no_such(std::string_view what, const std::string& name,
              const std::vector<std::string_view>& names) {
  return user_error(ErrorCode::kNotFound, "there is no " + std::string(what) + " '" +
                                              printable(name) + "'" +
                                              rules::did_you_mean(name, names));
}

Result<std::vector<rules::OptionScope>> chosen(const rules::RuleGraph& graph,
                                               const OptionsQuery& query) {
  std::vector<rules::OptionScope> scopes = graph.rules().option_scopes();
  if (query.scope) {
    std::vector<std::string_view> names;
    for (const rules::OptionScope& scope : scopes) names.push_back(scope.scope);
    std::erase_if(scopes, [&](const auto& scope) { return scope.scope != *query.scope; });
    if (scopes.empty()) return no_such("scope of options", *query.scope, names);
  }
  if (query.goal) {
    const rules::Root* goal = graph.find_goal(*query.goal);
    if (goal == nullptr) {
      std::vector<std::string_view> names;
      for (const rules::Root& known : graph.goals()) names.push_back(known.name);
      return no_such("goal", *query.goal, names);
    }
    const auto& reaching = goal->supply.entry->params;
    std::erase_if(scopes, [&](const auto& scope) {
      return std::find(reaching.begin(), reaching.end(), scope.type) == reaching.end();
    });
  }
  return scopes;
}

}  // namespace

Task<Result<std::vector<ListedScope>>> list_options(const Engine& engine, const Run& run,
                                                    RootRequest request, OptionsQuery query) {
  KILN_CO_ASSIGN(const std::vector<rules::OptionScope> scopes, chosen(engine.rules, query));
  CurrentOptions options(engine, run, std::move(request));
  KILN_CO_ASSIGN(const std::vector<rules::OptionSetting> settings,
                 co_await options.settings(run.id()));
  std::vector<ListedScope> listed;
  for (const rules::OptionScope& scope : scopes) {
    KILN_CO_ASSIGN(std::vector<rules::OptionReport> reports,
                   rules::report_options(scope, settings));
    listed.push_back({scope, std::move(reports)});
  }
  co_return listed;
}

}  // namespace kiln::session
