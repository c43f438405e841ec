// Options as people and scripts read them.
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "kiln/v1/rules.pb.h"

namespace kiln {

// One paragraph for each option: what it is for, its default, and what it is set to, where.
std::string option_text(const v1::OptionsResponse::Scope& scope);
// The same as data, of all scopes.
nlohmann::ordered_json scopes_json(const v1::OptionsResponse& options);

}  // namespace kiln
