// Queries of one caller: a value by its type, of one state.
//
//   KILN_CO_ASSIGN(auto merged, co_await ask<DirectoryDigest>(engine, run, MergeDigests{{a, b}}));
//   use(*merged.value);
//
// Threads: resumes on the graph's executor.
// Fails:   with the rules' error.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/types/ids.h"
#include "daemon/async/task.h"
#include "daemon/rules/root_run.h"
#include "daemon/session/engine.h"
#include "daemon/session/root_params.h"
#include "daemon/session/run.h"

namespace kiln::session {

// The freshness barrier: what was written before the call is known after it.
ClockTick pass_barrier(const Engine& engine, const Run& run);

// What a goal or a query of this run works in. `id` is the run's own, or a renewed one.
rules::RootRun::Surroundings root_surroundings(
    const Engine& engine, const Run& run, RunId id,
    std::function<Task<Result<void>>(rules::Console::Text)> print);

// The node that answers a query: for those who follow it, or ask for it themselves. CHECKs that the
// rule graph has such a query.
Result<graph::Key> node_of_type(const Engine& engine, const Run& run, rules::TypeId product,
                                std::vector<rules::Param> given);
// The same in C++ types.
template <class Out, class... In>
Result<graph::Key> node_of(const Engine& engine, const Run& run, In... inputs) {
  return node_of_type(engine, run, rules::type_of<Out>(),
                      {rules::make_param(std::move(inputs))...});
}

struct AskedValue {
  graph::ValueRef value;
  ClockTick clock;  // of the state that the value describes
};
// Rules that take options are given those of the workspace's kiln.toml and of the run.
Task<Result<AskedValue>> ask_by_type(const Engine& engine, const Run& run, rules::TypeId product,
                                     std::vector<rules::Param> given);

template <class Out>
struct Asked {
  rules::Ref<Out> value;
  ClockTick clock;
};
// The same in C++ types.
template <class Out, class... In>
Task<Result<Asked<Out>>> ask(const Engine& engine, const Run& run, In... inputs) {
  std::vector<rules::Param> given = {rules::make_param(std::move(inputs))...};
  KILN_CO_ASSIGN(AskedValue asked,
                 co_await ask_by_type(engine, run, rules::type_of<Out>(), std::move(given)));
  co_return Asked<Out>{rules::Ref<Out>(std::move(asked.value)), asked.clock};
}

struct QueryParam {
  std::string type;
  std::string json;
};
struct QueryRequest {
  std::string product;
  std::vector<QueryParam> params;
  RootRequest root;
};
struct QueryAnswer {
  std::string json;
  ClockTick clock;
};
// The same in the names of types and JSON. A query that does not exist is kNotFound, and names the
// nearest.
Task<Result<QueryAnswer>> query(const Engine& engine, const Run& run, QueryRequest request);

}  // namespace kiln::session
