#include "daemon/session/root_params.h"

#include <algorithm>

#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/specs.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/run_param.h"

namespace kiln::session {

namespace {

const rules::Param* find(std::span<const rules::Param> params, rules::TypeId type) {
  const auto at = std::find_if(params.begin(), params.end(),
                               [type](const rules::Param& param) { return param.type == type; });
  return at == params.end() ? nullptr : &*at;
}

}  // namespace

Result<RootParams> RootParams::make(const rules::RuleGraph& graph, const Run& run,
                                    RootRequest request) {
  KILN_TRY(rules::check_scopes(graph.rules().option_scopes(), request.options));
  for (const rules::OptionScope& scope : graph.rules().option_scopes()) {
    if (request.options.empty()) break;
    KILN_TRY(rules::read_options(scope, request.options));
  }
  return RootParams(graph, run, std::move(request));
}

Result<rules::Param> RootParams::make(const rules::Root& root, rules::TypeId type) const {
  if (type == rules::type_of<intrinsics::BuildRoot>()) {
    const intrinsics::Workspace* workspace = run_->workspace();
    if (workspace != nullptr) {
      return rules::make_param(intrinsics::BuildRoot{workspace->root(), workspace});
    }
    return user_error(ErrorCode::kInvalidArgument, root.name + " needs a workspace root");
  }
  if (type == rules::type_of<intrinsics::IgnoreOptions>()) {
    return rules::make_param(intrinsics::IgnoreOptions{run_->ignore()});
  }
  if (type == rules::type_of<intrinsics::ClientEnvironment>()) {
    return rules::make_param(intrinsics::ClientEnvironment{request_.environment});
  }
  if (type == rules::type_of<intrinsics::Specs>()) {
    return rules::make_param(intrinsics::Specs{request_.specs});
  }
  if (type == rules::type_of<rules::CurrentRun>()) {
    return rules::make_param(rules::CurrentRun{run_->id()});
  }
  if (type == rules::type_of<intrinsics::OutputOptions>()) {
    return rules::make_param(intrinsics::OutputOptions{request_.json});
  }
  for (const rules::OptionScope& scope : rules_->option_scopes()) {
    if (scope.type == type) return rules::read_options(scope, request_.options);
  }
  for (const rules::Constant& constant : rules_->constants()) {
    if (constant.type == type) return constant.make(rules_->members());
  }
  return internal_error(root.name + " begins with a " + std::string(type->name) +
                        ", which nothing provides");
}

Result<std::vector<rules::Param>> RootParams::for_root(const rules::Root& root,
                                                       std::span<const rules::Param> given) const {
  std::vector<rules::Param> scope(root.scope.size());
  for (const rules::Supply::From& from : root.supply.params) {
    const rules::TypeId type = root.scope[from.index];
    if (const rules::Param* found = find(given, type)) {
      scope[from.index] = *found;
    } else {
      KILN_ASSIGN(scope[from.index], make(root, type));
    }
  }
  return scope;
}

}  // namespace kiln::session
