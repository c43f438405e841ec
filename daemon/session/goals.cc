#include "daemon/session/goals.h"

#include <deque>

#include "daemon/rules/json.h"
#include "daemon/rules/nearest.h"

namespace kiln::session {

namespace {

std::string likely_text(std::string_view name, const std::vector<std::string_view>& known) {
  const std::vector<std::string_view> likely = rules::nearest(name, known, 1);
  return likely.empty() ? "" : "; did you mean '" + std::string(likely.front()) + "'?";
}

Result<const rules::Root*> find_goal(const rules::RuleGraph& graph, const std::string& name) {
  if (const rules::Root* goal = graph.find_goal(name)) return goal;
  std::vector<std::string_view> names;
  for (const rules::Root& goal : graph.goals()) names.push_back(goal.name);
  return user_error(ErrorCode::kInvalidArgument,
                    "there is no goal '" + printable(name) + "'" + likely_text(name, names));
}

rules::RootRun::Surroundings root_surroundings(
    const Engine& engine, const Run& run, RunId id,
    std::function<Task<Result<void>>(rules::Console::Text)> print) {
  return {.graph = engine.graph,
          .run = id,
          .stop = run.token(),
          .synchronize =
              [&engine, &run] {
                const intrinsics::Workspace& workspace = *run.workspace();
                if (!workspace.in_place()) engine.files.look_again(engine.graph, workspace);
                return engine.files.watcher().synchronize();
              },
          .print = std::move(print)};
}

// The runs of one request's goals, one after another.
class GoalSequence {
 public:
  GoalSequence(const Engine& engine, const Run& run, const GoalClient& client)
      : engine_(engine), run_(run), client_(client) {}

  Result<void> prepare(const GoalRequest& request) {
    if (request.goals.empty()) {
      return user_error(ErrorCode::kInvalidArgument, "no goal was named");
    }
    for (const std::string& name : request.goals) {
      KILN_ASSIGN(const rules::Root* goal, find_goal(engine_.rules, name));
      goals_.push_back(goal);
    }
    KILN_ASSIGN(params_, RootParams::make(engine_.rules, run_, request.root));
    return {};
  }

  Task<Result<GoalAnswer>> run(RunId id) {
    roots_.clear();
    GoalAnswer answer;
    for (const rules::Root* goal : goals_) {
      rules::RootRun& root = roots_.emplace_back(surroundings(id));
      KILN_CO_ASSIGN(std::vector<rules::Param> scope, params_->for_root(*goal));
      KILN_CO_ASSIGN(answer.exit_code,
                     co_await root.goal(*goal, std::move(scope), rules::EffectSet()));
      answer.clock = root.clock();
      if (answer.exit_code != 0) break;
    }
    co_return answer;
  }

  // Whether any of the goals would read something else now.
  Task<Result<bool>> changed(RunId id) {
    for (rules::RootRun& root : roots_) {
      KILN_CO_ASSIGN(const bool changed, co_await root.changed(id));
      if (changed) co_return true;
    }
    co_return false;
  }

 private:
  rules::RootRun::Surroundings surroundings(RunId id) {
    return root_surroundings(engine_, run_, id, client_.print);
  }

  const Engine& engine_;
  const Run& run_;
  const GoalClient& client_;
  std::vector<const rules::Root*> goals_;
  std::optional<RootParams> params_;
  std::deque<rules::RootRun> roots_;
};

}  // namespace

Task<Result<GoalAnswer>> run_goals(const Engine& engine, const Run& run, GoalRequest request,
                                   const GoalClient& client) {
  GoalSequence goals(engine, run, client);
  KILN_CO_TRY(goals.prepare(request));
  co_return co_await goals.run(run.id());
}

Task<Result<void>> watch_goals(const Engine& engine, const Run& run, GoalRequest request,
                               const GoalClient& client) {
  GoalSequence goals(engine, run, client);
  KILN_CO_TRY(goals.prepare(request));
  RunId id = run.id();
  for (;;) {
    uint64_t seen = engine.changes.rung();
    Result<GoalAnswer> answer = co_await goals.run(id);
    if (run.token().stop_requested()) co_return Result<void>();
    KILN_CO_TRY(co_await client.finished(std::move(answer)));
    for (bool changed = false; !changed;) {
      co_await engine.changes.wait(seen, run.token());
      if (run.token().stop_requested()) co_return Result<void>();
      seen = engine.changes.rung();
      id = run.renewed_id();
      const Result<bool> differs = co_await goals.changed(id);
      changed = !differs.ok() || *differs;
    }
  }
}

Task<Result<QueryAnswer>> query(const Engine& engine, const Run& run, QueryRequest request) {
  std::vector<std::string> types;
  for (const QueryParam& param : request.params) types.push_back(param.type);
  const rules::Root* root = engine.rules.find_query(request.product, types);
  if (root == nullptr) {
    std::string asked = request.product + "(";
    for (size_t i = 0; i < types.size(); ++i) asked += (i == 0 ? "" : ", ") + types[i];
    asked += ")";
    std::vector<std::string_view> names;
    for (const rules::Root& query : engine.rules.queries()) names.push_back(query.name);
    co_return user_error(ErrorCode::kNotFound, "there is no query " + printable(asked) +
                                                   likely_text(asked, names) +
                                                   "\n  `kiln rules list` shows them all");
  }
  std::vector<rules::Param> given;
  for (const QueryParam& param : request.params) {
    for (const rules::TypeId type : root->query->get.inputs) {
      if (type->name != param.type) continue;
      KILN_CO_ASSIGN(rules::Param made, rules::param_from_json(type, param.json));
      given.push_back(std::move(made));
    }
  }
  KILN_CO_ASSIGN(const RootParams params, RootParams::make(engine.rules, run, request.root));
  KILN_CO_ASSIGN(std::vector<rules::Param> scope, params.for_root(*root, given));
  rules::RootRun asked(root_surroundings(
      engine, run, run.id(),
      [](rules::Console::Text) -> Task<Result<void>> { co_return Result<void>(); }));
  KILN_CO_ASSIGN(const graph::ValueRef value, co_await asked.query(*root, std::move(scope)));
  KILN_CO_ASSIGN(std::string json, rules::to_json(root->query->get.product, *value));
  co_return QueryAnswer{std::move(json), asked.clock()};
}

}  // namespace kiln::session
