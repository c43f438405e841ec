// `kiln list [SPEC…]`: what specs match.
#pragma once

#include "daemon/rules/rule_set.h"

namespace kiln::backends {

rules::RuleSet list_rules();

}  // namespace kiln::backends
