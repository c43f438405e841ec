#include "daemon/session/current_options.h"

#include "daemon/session/entrance.h"
#include "daemon/session/queries.h"

namespace kiln::session {

namespace {

constexpr int kMaxAttempts = 20;

}  // namespace

Result<void> CurrentOptions::check() const {
  KILN_TRY(RootParams::make(engine_.rules, run_, request_));
  return {};
}

Task<Result<void>> CurrentOptions::use(RunId id, const Print& print, const Work& work) {
  for (int attempts = 0; attempts < kMaxAttempts; ++attempts) {
    last_ = co_await read(id);
    if (!last_->ok()) co_return last_->error();
    Attempt attempt{**last_, print, id};
    rules::RootRun::Surroundings surroundings =
        root_surroundings(engine_, run_, id, [this, &attempt](rules::Console::Text text) {
          return this->print(attempt, std::move(text));
        });
    surroundings.synchronized = attempt.read.clock;  // one barrier for the options and the work
    const Result<void> done = co_await work(attempt.read.params, std::move(surroundings));
    if (!attempt.stale) co_return done;
  }
  co_return environment_error(ErrorCode::kFailedPrecondition,
                              std::string(intrinsics::kConfigFile) +
                                  " kept changing: wait until it is quiet, then ask again");
}

Task<Result<void>> CurrentOptions::print(Attempt& attempt, rules::Console::Text text) const {
  if (!attempt.committed) {
    const Result<graph::Answer> now = co_await config(attempt.id);
    attempt.stale = !now.ok() || now->generation != attempt.read.generation;
    if (attempt.stale) co_return internal_error("the options have changed");
    attempt.committed = true;
  }
  co_return co_await attempt.print(std::move(text));
}

Task<Result<bool>> CurrentOptions::changed(RunId id) {
  if (!last_) co_return true;
  const Result<Read> now = co_await read(id);
  if (now.ok() != last_->ok()) co_return true;
  if (!now.ok()) co_return now.error().message() != last_->error().message();
  co_return !now->params.same_options((*last_)->params);
}

Task<Result<std::vector<rules::OptionSetting>>> CurrentOptions::settings(RunId id) {
  KILN_CO_ASSIGN(const Read now, co_await read(id));
  co_return now.params.settings();
}

Task<Result<CurrentOptions::Read>> CurrentOptions::read(RunId id) const {
  KILN_CO_TRY(co_await enter_workspace(engine_, run_));
  const ClockTick clock = pass_barrier(engine_, run_);
  KILN_CO_ASSIGN(const graph::Answer config, co_await this->config(id));
  RootRequest request = request_;
  if (config.value) {
    const auto& file = graph::value_as<intrinsics::ConfigSettings>(config.value).settings;
    request.options.insert(request.options.begin(), file.begin(), file.end());
  }
  KILN_CO_ASSIGN(RootParams params, RootParams::make(engine_.rules, run_, std::move(request)));
  co_return Read{config.generation, clock, std::move(params)};
}

// Without a workspace there is no kiln.toml.
Task<Result<graph::Answer>> CurrentOptions::config(RunId id) const {
  if (run_.workspace() == nullptr) co_return graph::Answer();
  co_return co_await engine_.graph.request(engine_.files.config(*run_.workspace()), id,
                                           run_.token());
}

}  // namespace kiln::session
