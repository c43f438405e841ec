// Overview: what `kiln --help` says, or `kiln FAMILY --help`.
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/goal_names.h"

namespace kiln {

struct Overview {
  std::string family;  // "digest"; empty: of kiln as a whole
  RuleNames rules;     // what the daemon's rules add to the whole

  std::string as_text() const;
  // The fields are documented in the README.
  nlohmann::ordered_json as_json() const;
};

}  // namespace kiln
