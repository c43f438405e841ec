#include "daemon/backends/core/list.h"

#include "daemon/backends/core/spec_files.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/values/json.h"

namespace kiln::backends {

namespace {

rules::GoalRule<> list(rules::Console& console, const intrinsics::OutputOptions& output,
                       const SpecFiles& files) {
  print_warnings(console, files.warnings);
  if (output.json) {
    SpecFiles shown = files;
    for (std::string& file : shown.files) file = output.shown(file);
    const graph::ValueRef value = graph::make_value(std::move(shown));
    KILN_CO_ASSIGN(const std::string json, rules::to_json(rules::type_of<SpecFiles>(), *value));
    console.print(json + "\n");
  } else {
    const char end = output.null_terminated ? '\0' : '\n';
    for (const std::string& file : files.files) console.print(output.shown(file) + end);
    if (files.files.empty()) console.print_error("- no files.\n");
  }
  co_return 0;
}

}  // namespace

rules::RuleSet list_rules() {
  rules::RuleSet set;
  set.goal<&list>("list", "List the files that specs match.");
  return set;
}

}  // namespace kiln::backends
