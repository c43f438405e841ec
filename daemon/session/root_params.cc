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
  KILN_ASSIGN(
      const RelPath here,
      RelPath::parse(request.working_directory).with_context("as the caller's working directory"));
  request.working_directory = here.str();
  const std::vector<rules::OptionScope>& scopes = graph.rules().option_scopes();
  KILN_ASSIGN(const std::vector<rules::OptionSetting> variables,
              rules::settings_of_variables(scopes, request.option_variables));
  request.options.insert(request.options.end(), variables.begin(), variables.end());
  KILN_TRY(rules::check_scopes(scopes, request.options));
  std::vector<rules::Param> options;
  for (const rules::OptionScope& scope : scopes) {
    KILN_ASSIGN(options.emplace_back(), rules::read_options(scope, request.options));
  }
  return RootParams(graph, run, std::move(request), std::move(options));
}

Result<rules::Param> RootParams::make(const rules::Root& root, rules::TypeId type) const {
  if (type == rules::type_of<intrinsics::BuildRoot>()) {
    const intrinsics::Workspace* workspace = run_->workspace();
    if (workspace != nullptr) {
      return rules::make_param(intrinsics::BuildRoot{workspace->root(), workspace});
    }
    return user_error(ErrorCode::kInvalidArgument, root.name + " needs a workspace root");
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
    return rules::make_param(intrinsics::OutputOptions{request_.json, request_.working_directory,
                                                       request_.null_terminated});
  }
  if (const rules::Param* options = find(options_, type)) return *options;
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
