#include "daemon/rules/values/value_reader.h"

#include <algorithm>

namespace kiln::rules {

Error out_of_range(int64_t value) {
  return user_error(ErrorCode::kInvalidArgument, std::to_string(value) + " is out of range");
}

Result<size_t> read_choice(ValueReader& in, std::span<const std::string_view> names) {
  KILN_ASSIGN(const std::string text, in.text());
  const auto at = std::find(names.begin(), names.end(), text);
  if (at != names.end()) return static_cast<size_t>(at - names.begin());
  std::string message = "expected ";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) message += i + 1 == names.size() ? " or " : ", ";
    message += names[i];
  }
  return user_error(ErrorCode::kInvalidArgument, message + ", found '" + printable(text) + "'");
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
