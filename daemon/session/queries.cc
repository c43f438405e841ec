#include "daemon/session/queries.h"

#include <algorithm>

#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/nearest.h"
#include "daemon/rules/values/json.h"
#include "daemon/session/current_options.h"
#include "daemon/session/entrance.h"

namespace kiln::session {

namespace {

Task<Result<void>> print_nothing(rules::Console::Text) { co_return Result<void>(); }

// Trees that a client is told of outlive the memo.
Result<void> save_trees(store::Store& store, rules::TypeId product, const graph::Value& value) {
  const intrinsics::DirectoryDigest* digest = nullptr;
  if (product == rules::type_of<intrinsics::DirectoryDigest>()) {
    digest = &graph::value_as<intrinsics::DirectoryDigest>(value);
  } else if (product == rules::type_of<intrinsics::Snapshot>()) {
    digest = &graph::value_as<intrinsics::Snapshot>(value).digest;
  }
  if (digest == nullptr || digest->tree == nullptr) return {};
  return store.trees().save(digest->tree);
}

bool asks_for(const rules::Root& root, rules::TypeId product,
              const std::vector<rules::Param>& given) {
  const rules::GetDeclaration& get = root.query->get;
  return get.product == product && get.inputs.size() == given.size() &&
         std::all_of(given.begin(), given.end(), [&](const rules::Param& param) {
           return std::find(get.inputs.begin(), get.inputs.end(), param.type) != get.inputs.end();
         });
}

const rules::Root& find_root(const rules::RuleGraph& graph, rules::TypeId product,
                             const std::vector<rules::Param>& given) {
  const std::vector<rules::Root>& queries = graph.queries();
  const auto root = std::find_if(queries.begin(), queries.end(), [&](const rules::Root& query) {
    return asks_for(query, product, given);
  });
  KILN_CHECK(root != queries.end(), "a query that the rules do not declare");
  return *root;
}

Task<Result<AskedValue>> ask_root(const rules::Root& root, const RootParams& params,
                                  std::vector<rules::Param> given,
                                  rules::RootRun::Surroundings surroundings) {
  KILN_CO_ASSIGN(std::vector<rules::Param> scope, params.for_root(root, given));
  rules::RootRun asked(std::move(surroundings));
  KILN_CO_ASSIGN(graph::ValueRef value, co_await asked.query(root, std::move(scope)));
  co_return AskedValue{std::move(value), asked.clock()};
}

Task<Result<void>> ask_into(AskedValue& into, Task<Result<AskedValue>> asked) {
  KILN_CO_ASSIGN(into, co_await std::move(asked));
  co_return Result<void>();
}

bool takes_options(const rules::RuleGraph& graph, const rules::Root& root) {
  const auto& scopes = graph.rules().option_scopes();
  return std::any_of(root.supply.params.begin(), root.supply.params.end(), [&](const auto& from) {
    return std::any_of(scopes.begin(), scopes.end(), [&](const rules::OptionScope& scope) {
      return scope.type == root.scope[from.index];
    });
  });
}

Result<void> check_given_once(std::vector<std::string> types) {
  std::sort(types.begin(), types.end());
  const auto twice = std::adjacent_find(types.begin(), types.end());
  if (twice == types.end()) return {};
  return user_error(ErrorCode::kInvalidArgument,
                    "the param " + printable(*twice) + " is given twice");
}

bool makes(const rules::RuleGraph& graph, std::string_view product) {
  const auto& all = graph.rules().rules();
  return std::any_of(all.begin(), all.end(), [product](const auto& rule) {
    return rule->info.product != nullptr && rule->info.product->name == product;
  });
}

// Why there is no such query, by what there is instead.
Error no_query(const rules::RuleGraph& graph, const std::string& product,
               const std::vector<std::string>& types) {
  std::string wanted = product + "(";
  for (size_t i = 0; i < types.size(); ++i) wanted += (i == 0 ? "" : ", ") + types[i];
  wanted += ")";
  std::string text = "there is no query " + printable(wanted);
  std::string of_product;
  std::vector<std::string_view> names;
  std::vector<std::string_view> products;
  for (const rules::Root& query : graph.queries()) {
    names.push_back(query.name);
    products.push_back(query.query->get.product->name);
    if (products.back() == product) of_product += "\n    " + query.name;
  }
  if (!of_product.empty()) {
    text += "; for " + product + " there is" + of_product;
  } else if (makes(graph, product)) {
    text += ": rules make a " + product + ", but not for clients";
  } else {
    const std::string suggestion = rules::did_you_mean(wanted, names);
    text += suggestion.empty() ? rules::did_you_mean(product, products) : suggestion;
  }
  return user_error(ErrorCode::kNotFound, text + "\n  `kiln rules list` shows all queries");
}

}  // namespace

ClockTick pass_barrier(const Engine& engine, const Run& run) {
  const intrinsics::Workspace* workspace = run.workspace();
  // What another machine serves may not answer: its root was looked at by enter_workspace().
  const bool looks = workspace != nullptr && engine.files.lane_of(*workspace) == nullptr;
  if (looks && !workspace->in_place()) {
    engine.files.look_again(engine.graph, *workspace);
  }
  return engine.files.watcher().synchronize();
}

rules::RootRun::Surroundings root_surroundings(
    const Engine& engine, const Run& run, RunId id,
    std::function<Task<Result<void>>(rules::Console::Text)> print) {
  return {.graph = engine.graph,
          .run = id,
          .stop = run.token(),
          .synchronize = [&engine, &run] { return pass_barrier(engine, run); },
          .print = std::move(print),
          .may_come_back =
              [&engine, id](const Error& error) { return engine.files.look_for_lost(id, error); }};
}

Result<graph::Key> node_of_type(const Engine& engine, const Run& run, rules::TypeId product,
                                std::vector<rules::Param> given) {
  const rules::Root& root = find_root(engine.rules, product, given);
  KILN_ASSIGN(const RootParams params, RootParams::make(engine.rules, run, RootRequest()));
  KILN_ASSIGN(const std::vector<rules::Param> scope, params.for_root(root, given));
  return rules::Entry::key(root.supply, rules::Params(), scope);
}

Task<Result<AskedValue>> ask_by_type(const Engine& engine, const Run& run, rules::TypeId product,
                                     std::vector<rules::Param> given) {
  const rules::Root& root = find_root(engine.rules, product, given);
  if (!takes_options(engine.rules, root)) {  // so kiln.toml is none of its business
    KILN_CO_TRY(co_await enter_workspace(engine, run));
    KILN_CO_ASSIGN(const RootParams params, RootParams::make(engine.rules, run, RootRequest()));
    co_return co_await ask_root(root, params, std::move(given),
                                root_surroundings(engine, run, run.id(), print_nothing));
  }
  RootRequest request;
  request.options = run.options().settings;
  request.option_variables = run.options().variables;
  CurrentOptions options(engine, run, std::move(request));
  AskedValue asked;
  KILN_CO_TRY(co_await options.use(
      run.id(), print_nothing,
      [&](const RootParams& params, rules::RootRun::Surroundings surroundings) {
        return ask_into(asked, ask_root(root, params, given, std::move(surroundings)));
      }));
  co_return asked;
}

Task<Result<QueryAnswer>> query(const Engine& engine, const Run& run, QueryRequest request) {
  std::vector<std::string> types;
  for (const QueryParam& param : request.params) types.push_back(param.type);
  KILN_CO_TRY(check_given_once(types));
  const rules::Root* root = engine.rules.find_query(request.product, types);
  if (root == nullptr) co_return no_query(engine.rules, request.product, types);
  std::vector<rules::Param> given;
  for (const QueryParam& param : request.params) {
    for (const rules::TypeId type : root->query->get.inputs) {
      if (type->name != param.type) continue;
      KILN_CO_ASSIGN(rules::Param made, rules::param_from_json(type, param.json));
      given.push_back(std::move(made));
    }
  }
  CurrentOptions options(engine, run, std::move(request.root));
  AskedValue asked;
  KILN_CO_TRY(co_await options.use(
      run.id(), print_nothing,
      [&](const RootParams& params, rules::RootRun::Surroundings surroundings) {
        return ask_into(asked, ask_root(*root, params, given, std::move(surroundings)));
      }));
  KILN_CO_TRY(save_trees(engine.store, root->query->get.product, *asked.value));
  KILN_CO_ASSIGN(std::string json, rules::to_json(root->query->get.product, *asked.value));
  co_return QueryAnswer{std::move(json), asked.clock};
}

}  // namespace kiln::session
