// What every goal and query begins with: the workspace, options, the client's environment, specs.
// Threads: immutable once made. The rule graph and the run outlive it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/rules/options.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/session/run.h"

namespace kiln::session {

// The caller's words.
struct RootRequest {
  std::vector<std::string> specs;
  std::vector<rules::OptionSetting> options;
  std::map<std::string, std::string> option_variables;  // KILN_SCOPE_NAME
  std::map<std::string, std::string> environment;       // lent to rules
  bool json = false;
  std::string working_directory;  // where the caller stands, relative to the workspace root
  bool null_terminated = false;   // see OutputOptions
};

class RootParams {
 public:
  // Fails for an option that does not exist or has a wrong value, whoever would take it.
  static Result<RootParams> make(const rules::RuleGraph& graph, const Run& run,
                                 RootRequest request);

  // A param for each type of the root's scope that the root consumes; the others are empty. `given`
  // are those of a query's own inputs. Fails if a workspace is needed and there is none.
  Result<std::vector<rules::Param>> for_root(const rules::Root& root,
                                             std::span<const rules::Param> given = {}) const;

  bool same_options(const RootParams& other) const { return options_ == other.options_; }
  // All that was said of options.
  const std::vector<rules::OptionSetting>& settings() const { return request_.options; }

 private:
  RootParams(const rules::RuleGraph& graph, const Run& run, RootRequest request,
             std::vector<rules::Param> options)
      : rules_(&graph.rules()),
        run_(&run),
        request_(std::move(request)),
        options_(std::move(options)) {}
  Result<rules::Param> make(const rules::Root& root, rules::TypeId type) const;

  const rules::RuleSet* rules_;
  const Run* run_;
  RootRequest request_;
  std::vector<rules::Param> options_;  // of each scope
};

}  // namespace kiln::session
