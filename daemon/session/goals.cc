#include "daemon/session/goals.h"

#include <deque>

#include "daemon/async/when_all.h"
#include "daemon/intrinsics/interactive_effect.h"
#include "daemon/intrinsics/workspace_effect.h"
#include "daemon/rules/nearest.h"
#include "daemon/session/current_options.h"
#include "daemon/session/polling.h"
#include "daemon/session/queries.h"

namespace kiln::session {

namespace {

Result<const rules::Root*> find_goal(const rules::RuleGraph& graph, const std::string& name) {
  if (const rules::Root* goal = graph.find_goal(name)) return goal;
  std::vector<std::string_view> names;
  for (const rules::Root& goal : graph.goals()) names.push_back(goal.name);
  return user_error(ErrorCode::kInvalidArgument, "there is no goal '" + printable(name) + "'" +
                                                     rules::did_you_mean(name, names));
}

// The runs of one request's goals, one after another.
class GoalSequence {
 public:
  GoalSequence(const Engine& engine, const Run& run, const GoalClient& client)
      : engine_(engine), run_(run), client_(client) {}

  Result<void> prepare(GoalRequest request) {
    if (request.goals.empty()) {
      return user_error(ErrorCode::kInvalidArgument, "no goal was named");
    }
    if (run_.workspace() == nullptr) {
      return user_error(ErrorCode::kInvalidArgument, "goals need a workspace root");
    }
    for (const std::string& name : request.goals) {
      KILN_ASSIGN(const rules::Root* goal, find_goal(engine_.rules, name));
      goals_.push_back(goal);
    }
    options_.emplace(engine_, run_, std::move(request.root));
    return {};
  }

  // What no edit can mend: waiting for one would be in vain.
  Result<void> check_options() const { return options_->check(); }

  Task<Result<GoalAnswer>> run(RunId id) {
    roots_.clear();
    GoalAnswer answer;
    for (const rules::Root* goal : goals_) {
      const size_t done = roots_.size();
      KILN_CO_TRY(co_await options_->use(
          id, client_.print,
          [this, goal, done, &answer](const RootParams& params,
                                      rules::RootRun::Surroundings surroundings) {
            if (roots_.size() > done) roots_.pop_back();  // an attempt with other options
            return run_one(*goal, params, std::move(surroundings), answer);
          }));
      if (answer.exit_code != 0) break;
    }
    co_return answer;
  }

  // Whether any of the goals would read something else now.
  Task<Result<bool>> changed(RunId id) {
    KILN_CO_ASSIGN(const bool others, co_await options_->changed(id));
    if (others) co_return true;
    for (rules::RootRun& root : roots_) {
      KILN_CO_ASSIGN(const bool changed, co_await root.changed(id));
      if (changed) co_return true;
    }
    co_return false;
  }

 private:
  Task<Result<void>> run_one(const rules::Root& goal, const RootParams& params,
                             rules::RootRun::Surroundings surroundings, GoalAnswer& answer) {
    KILN_CO_ASSIGN(std::vector<rules::Param> scope, params.for_root(goal));
    intrinsics::WorkspaceEffect workspace(workspace_services());
    rules::RootRun& root = roots_.emplace_back(std::move(surroundings));
    intrinsics::InteractiveEffect interactive(
        [this, &root](intrinsics::InteractiveProcess process) {
          return interact(root, std::move(process));
        });
    rules::EffectSet effects;
    effects.add(workspace);
    effects.add(interactive);
    KILN_CO_ASSIGN(answer.exit_code,
                   co_await root.goal(goal, std::move(scope), std::move(effects)));
    answer.clock = root.clock();
    co_return Result<void>();
  }

  Task<Result<int>> interact(rules::RootRun& root, intrinsics::InteractiveProcess process) {
    if (!client_.interact) {
      co_return user_error(
          ErrorCode::kUnsupported,
          "'" + process.argv.front() + "' needs the caller's terminal, and this caller has none");
    }
    const bool restartable = process.restartable;
    InteractiveSpec spec = spec_of(std::move(process));
    std::stop_source stop;
    const std::stop_callback cancelled(run_.token(), [&stop] { stop.request_stop(); });
    if (!restartable) co_return co_await client_.interact(std::move(spec), stop.get_token());
    std::stop_source ended;
    auto [code, watched] =
        co_await when_all(interact_and_tell(std::move(spec), stop.get_token(), ended),
                          stop_when_changed(root, ended.get_token(), stop));
    if (!watched.ok()) co_return watched.error();
    co_return code;
  }

  static InteractiveSpec spec_of(intrinsics::InteractiveProcess process) {
    InteractiveSpec spec;
    spec.process.argv = std::move(process.argv);
    spec.process.description = std::move(process.description);
    spec.process.env = std::move(process.env);
    spec.process.working_directory = std::move(process.working_directory);
    if (!process.run_in_workspace) {
      spec.process.input_digest = std::move(process.input_digest);
    }
    spec.run_in_workspace = process.run_in_workspace;
    spec.inherit_env = !process.hermetic_env;
    return spec;
  }

  Task<Result<int>> interact_and_tell(InteractiveSpec spec, std::stop_token stop,
                                      std::stop_source& ended) {
    Result<int> code = co_await client_.interact(std::move(spec), std::move(stop));
    ended.request_stop();
    co_return code;
  }

  // Ends the process when what its goal has read changes.
  Task<Result<void>> stop_when_changed(rules::RootRun& root, std::stop_token ended,
                                       std::stop_source& stop) {
    for (;;) {
      const uint64_t seen = engine_.changes.rung();
      KILN_CO_ASSIGN(const bool changed, co_await root.restart_if_changed());
      if (changed) {
        stop.request_stop();
        co_return Result<void>();
      }
      co_await engine_.changes.wait(seen, kPollEvery, ended);
      if (engine_.changes.rung() == seen) poll_untold(engine_, run_);
      if (ended.stop_requested()) co_return Result<void>();
    }
  }

  intrinsics::WorkspaceEffect::Services workspace_services() {
    Executor* lane = engine_.files.lane_of(*run_.workspace());
    return {engine_.writer,
            engine_.store,
            *run_.workspace(),
            engine_.home,
            lane == nullptr ? engine_.blocking : *lane,
            [this] { engine_.files.watcher().synchronize(); },
            run_.umask()};
  }

  const Engine& engine_;
  const Run& run_;
  const GoalClient& client_;
  std::vector<const rules::Root*> goals_;
  std::optional<CurrentOptions> options_;
  std::deque<rules::RootRun> roots_;
};

}  // namespace

Task<Result<GoalAnswer>> run_goals(const Engine& engine, const Run& run, GoalRequest request,
                                   const GoalClient& client) {
  GoalSequence goals(engine, run, client);
  KILN_CO_TRY(goals.prepare(std::move(request)));
  co_return co_await goals.run(run.id());
}

Task<Result<void>> watch_goals(const Engine& engine, const Run& run, GoalRequest request,
                               const GoalClient& client) {
  GoalSequence goals(engine, run, client);
  KILN_CO_TRY(goals.prepare(std::move(request)));
  KILN_CO_TRY(goals.check_options());
  bool explained = false;
  // One id for each round. What holds for a run (a failure, what is uncacheable) holds until
  // something that was read changes, and then for the round that had it no more.
  RunId id = run.id();
  for (;;) {
    uint64_t seen = engine.changes.rung();
    Result<GoalAnswer> answer = co_await goals.run(id);
    // A client that left does not hear why.
    if (run.token().stop_requested()) co_return shutting_down();
    KILN_CO_TRY(co_await client.finished(std::move(answer)));
    for (bool changed = false; !changed;) {
      if (!explained && run.workspace()->untold_directories() > 0) {
        explained = true;
        KILN_CO_TRY(co_await client.print({.out = {}, .err = untold_message(*run.workspace())}));
      }
      {
        const Run::Rest rest(run);
        co_await engine.changes.wait(seen, kPollEvery, run.token());
      }
      if (run.token().stop_requested()) co_return shutting_down();
      if (engine.changes.rung() == seen) poll_untold(engine, run);
      seen = engine.changes.rung();
      const Result<bool> differs = co_await goals.changed(id);
      changed = !differs.ok() || *differs;
    }
    id = run.renewed_id();
    engine.events.renew(run, id);
  }
}

}  // namespace kiln::session
