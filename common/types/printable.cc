#include "common/types/printable.h"

#include <algorithm>

#include "common/types/rel_path.h"

namespace kiln {

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t plain = std::min(text.find_first_of("\n\t"), text.size());
    out += printable(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace kiln
