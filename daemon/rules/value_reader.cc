#include "daemon/rules/value_reader.h"

namespace kiln::rules {

Error out_of_range(int64_t value) {
  return user_error(ErrorCode::kInvalidArgument, std::to_string(value) + " is out of range");
}

Error unknown_field(std::string_view name, const std::vector<std::string_view>& known) {
  std::string text = "no field '" + printable(name) + "'; there ";
  if (known.empty()) {
    text += "are none";
  } else {
    text += known.size() == 1 ? "is only " : "are ";
    for (size_t i = 0; i < known.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(known[i]);
  }
  return user_error(ErrorCode::kInvalidArgument, std::move(text));
}

}  // namespace kiln::rules
