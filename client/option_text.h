// Options as people and scripts read them.
// Threads: stateless.
#pragma once

#include <string>

#include "kiln/v1/rules.pb.h"

namespace kiln {

// One paragraph for each option: what it is for, its default, and what it is set to, where.
std::string option_text(const v1::OptionsResponse::Scope& scope);
// The same as a line of JSON, of all scopes.
std::string option_json(const v1::OptionsResponse& options);
// What help says of a goal: its name, its summary, and the options that reach it as above.
std::string goal_json(const std::string& name, const std::string& summary,
                      const v1::OptionsResponse& options);

}  // namespace kiln
