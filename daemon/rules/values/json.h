// Engine values as JSON, both ways.
// Fails:   parsing names what is wrong and where: "in field `globs`[1]: expected text, found 3".
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/rules/param.h"
#include "daemon/rules/values/type.h"

namespace kiln::rules {

// What is nested deeper is no value of a rule: whoever walks it may recurse.
inline constexpr int kMaxJsonDepth = 256;

// One line. Text that is not UTF-8 has a form of its own, the same both ways: common/types/
// json_bytes.h. kUnsupported for types that only the daemon makes.
Result<std::string> to_json(TypeId type, const graph::Value& value);
// A value of `type`; fields that are left out keep their defaults. JSON that is nested more than
// kMaxJsonDepth deep is refused.
Result<Param> param_from_json(TypeId type, std::string_view json);

}  // namespace kiln::rules
