// CurrentOptions: what a request's options are now: defaults, what the workspace's kiln.toml sets,
// then the caller's environment, then the caller's own words.
//
// What:    the answer of a request is of one state, and kiln.toml is part of it. Work is done with
//          the options as they are; before anything of it leaves, which is when it prints for the
//          first time, they are looked at again: if they are others by then, it is done anew.
// Threads: single-owner; resumes on the graph's executor. Engine and run outlive it.
// Fails:   an option that does not exist, a value of another kind, a kiln.toml that is none.
#pragma once

#include <functional>
#include <optional>

#include "daemon/rules/root_run.h"
#include "daemon/session/engine.h"
#include "daemon/session/root_params.h"

namespace kiln::session {

class CurrentOptions {
 public:
  using Print = std::function<Task<Result<void>>(rules::Console::Text)>;
  // Asks `surroundings` what it wants to know, with the params as what it begins with, and prints
  // what it has to say at least once before it is done.
  using Work = std::function<Task<Result<void>>(const RootParams&, rules::RootRun::Surroundings)>;

  CurrentOptions(const Engine& engine, const Run& run, RootRequest request)
      : engine_(engine), run_(run), request_(std::move(request)) {}

  // The caller's own, whatever kiln.toml says: wrong ones stay wrong.
  Result<void> check() const;
  Task<Result<void>> use(RunId id, const Print& print, const Work& work);
  // Whether options, or the error instead, are others than in the last use().
  Task<Result<bool>> changed(RunId id);
  // kiln.toml's and the caller's, weakest first, as they are now.
  Task<Result<std::vector<rules::OptionSetting>>> settings(RunId id);

 private:
  struct Read {
    uint64_t generation = 0;  // of kiln.toml's node
    ClockTick clock;          // of the barrier before it was asked for
    RootParams params;
  };
  struct Attempt {
    const Read& read;
    const Print& print;
    RunId id;
    bool committed = false;
    bool stale = false;
  };

  Task<Result<graph::Answer>> config(RunId id) const;
  Task<Result<Read>> read(RunId id) const;
  Task<Result<void>> print(Attempt& attempt, rules::Console::Text text) const;

  const Engine& engine_;
  const Run& run_;
  const RootRequest request_;
  std::optional<Result<Read>> last_;  // what use() began with
};

}  // namespace kiln::session
