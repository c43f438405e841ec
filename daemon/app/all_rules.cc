#include "daemon/app/all_rules.h"

#include "daemon/backends/core/lint.h"
#include "daemon/backends/core/list.h"
#include "daemon/backends/core/spec_files.h"
#include "daemon/backends/shell/shellcheck.h"
#include "daemon/intrinsics/download_rules.h"
#include "daemon/intrinsics/process_rules.h"
#include "daemon/intrinsics/tree_rules.h"
#include "daemon/rules/run_param.h"

namespace kiln::app {

DaemonRules compile_rules(rules::RuleSet plugins) {
  auto services = std::make_unique<intrinsics::RuleServices>();
  rules::RuleSet all;
  all.root<rules::CurrentRun>();
  all.add_all(intrinsics::tree_rules(*services));
  all.add_all(intrinsics::process_rules(*services));
  all.add_all(intrinsics::download_rules(*services));
  all.add_all(backends::spec_rules());
  all.add_all(backends::list_rules());
  all.add_all(backends::lint_rules());
  all.add_all(backends::shell::shellcheck_rules());
  all.add_all(std::move(plugins));
  return {std::move(services), rules::RuleGraph::compile(std::move(all))};
}

}  // namespace kiln::app
