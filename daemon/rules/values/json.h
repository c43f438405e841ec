// Engine values as JSON, both ways.
// Fails:   parsing names what is wrong and where: "in field `globs`[1]: expected text, found 3".
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/rules/param.h"
#include "daemon/rules/values/type.h"

namespace kiln::rules {

// One line. Bytes that are not UTF-8 are shown as \xNN. kUnsupported for types that only the
// daemon makes.
Result<std::string> to_json(TypeId type, const graph::Value& value);
// A value of `type`; fields that are left out keep their defaults.
Result<Param> param_from_json(TypeId type, std::string_view json);

}  // namespace kiln::rules
