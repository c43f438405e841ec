#include "daemon/app/all_rules.h"

#include "daemon/backends/core/lint.h"
#include "daemon/backends/core/list.h"
#include "daemon/backends/core/spec_files.h"
#include "daemon/backends/shell/shellcheck.h"
#include "daemon/intrinsics/download_rules.h"
#include "daemon/intrinsics/tree_rules.h"

namespace kiln::app {

std::unique_ptr<const rules::RuleGraph> compile_rules(intrinsics::FileSystem& files,
                                                      const intrinsics::ProcessServices& processes,
                                                      fetch::Downloads& downloads) {
  rules::RuleSet all;
  all.add_all(intrinsics::tree_rules(files, processes.store));
  all.add_all(intrinsics::process_rules(processes));
  all.add_all(intrinsics::download_rules(downloads));
  all.add_all(backends::spec_rules());
  all.add_all(backends::list_rules());
  all.add_all(backends::lint_rules());
  all.add_all(backends::shell::shellcheck_rules());
  rules::RuleGraph::Compiled compiled = rules::RuleGraph::compile(std::move(all));
  const std::string errors = rules::to_text(compiled.errors);
  KILN_CHECK(compiled.graph != nullptr, errors.c_str());
  return std::move(compiled.graph);
}

}  // namespace kiln::app
