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
};

// --option of commands that lend rules nothing.
void add_settings_to(OptionParser& parser, std::vector<std::string>& settings);
// What was typed as --option, and what variables of the environment set.
Result<void> fill_options(const std::vector<std::string>& settings, v1::Caller& caller);

}  // namespace kiln
