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
    const graph::ValueRef value = graph::make_value(files);
    KILN_CO_ASSIGN(const std::string json, rules::to_json(rules::type_of<SpecFiles>(), *value));
    console.print(json + "\n");
  } else {
    for (const std::string& file : files.files) console.print(file + "\n");
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
