#include "daemon/session/root_params.h"

#include <algorithm>

#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/specs.h"
#include "daemon/intrinsics/tree_values.h"

namespace kiln::session {

namespace {

const rules::Param* find(std::span<const rules::Param> params, rules::TypeId type) {
  const auto at = std::find_if(params.begin(), params.end(),
                               [type](const rules::Param& param) { return param.type == type; });
  return at == params.end() ? nullptr : &*at;
}

Error missing(const rules::Root& root, rules::TypeId type) {
  if (type == rules::type_of<intrinsics::BuildRoot>()) {
    return user_error(ErrorCode::kInvalidArgument, root.name + " needs a workspace root");
  }
  return internal_error(root.name + " begins with a " + std::string(type->name) +
                        ", which nothing provides");
}

}  // namespace

Result<RootParams> RootParams::make(const rules::RuleGraph& graph, const Run& run,
                                    const RootRequest& request) {
  RootParams made;
  std::vector<rules::Param>& params = made.params_;
  if (run.workspace() != nullptr) {
    params.push_back(
        rules::make_param(intrinsics::BuildRoot{run.workspace()->root(), run.workspace()}));
  }
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
  std::vector<rules::Param> scope(root.scope.size());
  for (const rules::Supply::From& from : root.supply.params) {
    const rules::TypeId type = root.scope[from.index];
    const rules::Param* found = find(given, type);
    if (found == nullptr) found = find(params_, type);
    if (found == nullptr) return missing(root, type);
    scope[from.index] = *found;
  }
  return scope;
}

}  // namespace kiln::session
