#include "daemon/rules/root_run.h"

#include <utility>

#include "daemon/async/when_all.h"
#include "daemon/rules/application.h"

namespace kiln::rules {

namespace {

constexpr int kMaxAttempts = 20;

// Stops what it is the token of when `outer` stops, or when stop() is called.
class LinkedStop {
 public:
  explicit LinkedStop(const std::stop_token& outer) : link_(outer, Stop{&inner_}) {}
  std::stop_token token() const { return inner_.get_token(); }
  void stop() { inner_.request_stop(); }

 private:
  struct Stop {
    std::stop_source* inner;
    void operator()() const { inner->request_stop(); }
  };
  std::stop_source inner_;
  std::stop_callback<Stop> link_;
};

Error stopped() { return user_error(ErrorCode::kCancelled, "cancelled"); }

// One of which a process has another is no answer: 256 would be success.
Result<void> check_exit_code(std::string_view goal, int code) {
  if (code >= 0 && code <= 255) return {};
  return internal_error("the goal " + std::string(goal) + " returned " + std::to_string(code) +
                        "; an exit code is one of 0 to 255");
}

bool is_cancelled(const Result<graph::Answer>& answer) {
  return !answer.ok() && answer.error().code() == ErrorCode::kCancelled;
}

}  // namespace

// What a root asks for: requests from outside, remembered by generation.
class RootRun::Asker {
 public:
  explicit Asker(RootRun& run) : run_(run) {}

  Task<WantAnswer> one(graph::Key key) {
    const Surroundings& at = run_.surroundings_;
    co_return note(key, co_await at.graph.request(key, at.run, at.stop));
  }
  Task<Result<std::vector<WantAnswer>>> all(std::vector<graph::Key> keys, Tolerated tolerated) {
    LinkedStop stop(run_.surroundings_.stop);
    const auto is_tolerated = [&](size_t i) { return !tolerated.empty() && tolerated[i]; };
    std::vector<Task<Answer>> tasks;
    tasks.reserve(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      tasks.push_back(request(keys[i], stop, is_tolerated(i)));
    }
    std::vector<Answer> answers = co_await when_all(std::move(tasks));
    std::vector<WantAnswer> noted;
    noted.reserve(keys.size());
    // Those that were cancelled for the sake of another's failure are not the failure.
    std::optional<Error> failure;
    std::optional<Error> cancelled;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].ok() && !is_tolerated(i)) {
        std::optional<Error>& first = is_cancelled(answers[i]) ? cancelled : failure;
        if (!first) first = answers[i].error();
      }
      noted.push_back(note(keys[i], std::move(answers[i])));
    }
    if (failure) co_return *std::move(failure);
    if (cancelled) co_return *std::move(cancelled);
    co_return noted;
  }

  Task<Result<void>> ready_for_effect() {
    if (run_.surroundings_.stop.stop_requested()) co_return stopped();
    if (!run_.committed_) {
      KILN_CO_ASSIGN(const bool unchanged, co_await run_.unchanged(run_.surroundings_.run, true));
      // The body ends here, and settle() begins anew.
      if (!unchanged) co_return internal_error("what a goal read has changed");
    }
    co_return co_await run_.commit();
  }
  // What an effect does was settled when it began, and is the same however often it is tried: so if
  // it lacked something, only those who make that are asked once more.
  Task<Result<void>> act(const Effect& effect) {
    Result<void> done = co_await effect.act();
    const Surroundings& at = run_.surroundings_;
    if (done.ok() || !at.may_come_back || !at.may_come_back(done.error())) co_return done;
    for (const NodeRead& read : run_.reads_) {
      (void)co_await at.graph.request(read.key, at.run, at.stop);
    }
    co_return co_await effect.act();
  }
  Error own(Error error) const { return error; }

 private:
  using Answer = Result<graph::Answer>;

  Task<Answer> request(graph::Key key, LinkedStop& stop, bool tolerated) {
    const Surroundings& at = run_.surroundings_;
    Answer answer = co_await at.graph.request(std::move(key), at.run, stop.token());
    if (!answer.ok() && !tolerated) stop.stop();
    co_return answer;
  }

  WantAnswer note(const graph::Key& key, Answer answer) {
    if (!answer.ok()) {
      if (!is_cancelled(answer)) run_.reads_.push_back({key, 0, answer.error().message()});
      return answer.error();
    }
    run_.reads_.push_back({key, answer->generation, std::nullopt});
    return std::move(answer->value);
  }

  RootRun& run_;
};

Task<Result<graph::ValueRef>> RootRun::query(const Root& root, std::vector<Param> given) {
  co_return co_await settle(root.name, [&](Asker& asker) -> Task<Result<graph::ValueRef>> {
    const Supply* const supplies[] = {&root.supply};
    const std::span<const Param> inputs[] = {given};
    KILN_CO_ASSIGN(std::vector<WantAnswer> answers,
                   co_await answer_all(asker, Params(), supplies, inputs));
    co_return std::move(answers.front());
  });
}

Task<Result<int>> RootRun::goal(const Root& root, std::vector<Param> given, EffectSet effects) {
  effects.add(console_);
  const Entry& entry = *root.supply.entry;
  Params own;
  for (const Supply::From& from : root.supply.params) own.push_back(given[from.index]);
  KILN_CO_ASSIGN(const graph::ValueRef code,
                 co_await settle(root.name, [&](Asker& asker) -> Task<Result<graph::ValueRef>> {
                   std::vector<WantAnswer> held;
                   KILN_CO_ASSIGN(const std::vector<Argument> arguments,
                                  co_await find_arguments(asker, entry, own, effects, held));
                   KILN_CO_ASSIGN(const graph::ValueRef code,
                                  co_await run_body(asker, entry, own, arguments));
                   KILN_CO_TRY(check_exit_code(root.name, graph::value_as<int>(*code)));
                   co_return code;
                 }));
  co_return graph::value_as<int>(code);
}

Task<Result<graph::ValueRef>> RootRun::settle(std::string what, Body body) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    reads_.clear();
    stale_ = false;
    (void)console_.take();
    const bool passed = attempt == 0 && surroundings_.synchronized;
    clock_ = passed ? *surroundings_.synchronized : surroundings_.synchronize();
    Asker asker(*this);
    Result<graph::ValueRef> result = co_await body(asker);
    if (surroundings_.stop.stop_requested()) {
      // A body that tolerates errors may have ended well for want of answers.
      if (stale_ || (result.ok() && !committed_)) co_return stopped();
      co_return result;
    }
    if (stale_) {
      if (std::exchange(restart_, false)) attempt = -1;
      continue;
    }
    // An error, too, may be of a state that never was: of a file that went while it was read. But
    // what could not be had however often it was tried need not be tried again.
    const bool final = !result.ok() && result.error().code() == ErrorCode::kUnavailable;
    if (!committed_ && !final) {
      KILN_CO_ASSIGN(const bool holds, co_await unchanged(surroundings_.run, true));
      if (!holds) continue;
    }
    KILN_CO_TRY(co_await commit());
    co_return result;
  }
  co_return environment_error(ErrorCode::kFailedPrecondition,
                              culprit_ + " kept changing while " + what + " ran, " +
                                  std::to_string(kMaxAttempts) +
                                  " times: wait until it is quiet, then ask again");
}

bool RootRun::NodeRead::holds(const Result<graph::Answer>& now) const {
  if (!now.ok()) return failure == now.error().message();
  return !failure && now->generation == generation;
}

Task<Result<bool>> RootRun::unchanged(RunId run, bool looked) {
  // Until nothing happened while it looked: only then is all that was read of the state at clock_.
  // While things keep happening that is as good as certain after some passes: what changed and
  // changed back, unseen, between two looks would have to do so around each of them.
  for (int pass = 0; pass < kMaxAttempts; ++pass) {
    const ClockTick now = surroundings_.synchronize();
    if (now == clock_ && looked) break;
    clock_ = now;
    looked = true;
    for (const NodeRead& read : reads_) {
      auto answer = co_await surroundings_.graph.request(read.key, run, surroundings_.stop);
      if (surroundings_.stop.stop_requested() && !answer.ok()) co_return answer.error();
      if (read.holds(answer)) continue;
      culprit_ = read.key.describe();
      stale_ = true;
      co_return false;
    }
  }
  co_return true;
}

Task<Result<bool>> RootRun::changed(RunId run) {
  // What nobody tells of may have changed though the clock stands.
  KILN_CO_ASSIGN(const bool same, co_await unchanged(run, false));
  co_return !same;
}

Task<Result<bool>> RootRun::restart_if_changed() {
  KILN_CO_ASSIGN(restart_, co_await changed(surroundings_.run));
  co_return restart_;
}

Task<Result<void>> RootRun::commit() {
  committed_ = true;
  co_return co_await surroundings_.print(console_.take());
}

}  // namespace kiln::rules
