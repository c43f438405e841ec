// The options of commands that ask rules: what the caller sets, and what it lends.
#pragma once

#include <string>
#include <vector>

#include "client/option_parser.h"
#include "common/base/result.h"

namespace kiln::v1 {
class Caller;
}  // namespace kiln::v1

namespace kiln {

struct CallerOptions {
  std::vector<std::string> options;  // SCOPE.NAME=VALUE
  std::vector<std::string> lent;     // names of environment variables

  void add_to(OptionParser& parser);
  Result<void> fill(v1::Caller& caller) const;
  // For commands that ask no rules of a goal: they lend nothing, and of the variables only those of
  // the scope GLOBAL concern them.
  void add_global_to(OptionParser& parser);
  Result<void> fill_global(v1::Caller& caller) const;
};

}  // namespace kiln
