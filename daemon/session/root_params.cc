#include "daemon/session/root_params.h"

#include <algorithm>

#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/specs.h"
#include "daemon/intrinsics/tree_values.h"

namespace kiln::session {

Result<RootParams> RootParams::make(const rules::RuleGraph& graph, const Run& run,
                                    const RootRequest& request) {
  if (run.workspace() == nullptr) {
    return user_error(ErrorCode::kInvalidArgument, "goals and queries need a workspace root");
  }
  RootParams made;
  std::vector<rules::Param>& params = made.params_;
  params.push_back(
      rules::make_param(intrinsics::BuildRoot{run.workspace()->root(), run.workspace()}));
  params.push_back(rules::make_param(intrinsics::IgnoreOptions{run.ignore()}));
  params.push_back(rules::make_param(intrinsics::ClientEnvironment{request.environment}));
  params.push_back(rules::make_param(intrinsics::Specs{request.specs}));
  params.push_back(rules::make_param(intrinsics::OutputOptions{request.json}));
  const rules::RuleSet& set = graph.rules();
  KILN_TRY(rules::check_scopes(set.option_scopes(), request.options));
  for (const rules::OptionScope& scope : set.option_scopes()) {
    KILN_ASSIGN(rules::Param options, rules::read_options(scope, request.options));
    params.push_back(std::move(options));
  }
  for (const rules::Constant& constant : set.constants()) {
    params.push_back(constant.make(set.members()));
  }
  return made;
}

Result<std::vector<rules::Param>> RootParams::for_root(const rules::Root& root,
                                                       std::span<const rules::Param> given) const {
  std::vector<rules::Param> scope;
  for (const rules::TypeId type : root.scope) {
    const auto has_type = [type](const rules::Param& param) { return param.type == type; };
    const auto in_given = std::find_if(given.begin(), given.end(), has_type);
    if (in_given != given.end()) {
      scope.push_back(*in_given);
      continue;
    }
    const auto known = std::find_if(params_.begin(), params_.end(), has_type);
    if (known == params_.end()) {
      return internal_error(root.name + " begins with a " + std::string(type->name) +
                            ", which nothing provides");
    }
    scope.push_back(*known);
  }
  return scope;
}

}  // namespace kiln::session
