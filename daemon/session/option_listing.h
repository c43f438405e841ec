// Options as they stand for one caller: for `kiln help SCOPE`.
// Threads: resumes on the graph's executor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/session/current_options.h"

namespace kiln::session {

struct ListedScope {
  rules::OptionScope scope;
  std::vector<rules::OptionReport> options;
};

// All scopes; or the one of this name; or those that reach a goal.
// Fails: kNotFound, with the nearest names; what is wrong with the options themselves.
struct OptionsQuery {
  std::optional<std::string> scope;
  std::optional<std::string> goal;
};
Task<Result<std::vector<ListedScope>>> list_options(const Engine& engine, const Run& run,
                                                    RootRequest request, OptionsQuery query);

}  // namespace kiln::session
