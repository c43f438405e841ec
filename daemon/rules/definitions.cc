#include "daemon/rules/definitions.h"

namespace kiln::rules {

std::string to_string(const Location& location) {
  return location.file + ":" + std::to_string(location.line);
}

std::string to_string(const GetDeclaration& get) {
  std::string text = "get<" + std::string(get.product->name) + ">(";
  for (size_t i = 0; i < get.inputs.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(get.inputs[i]->name);
  }
  return text + ")";
}

}  // namespace kiln::rules
