#include "common/types/path_from.h"

#include <algorithm>

namespace kiln {

namespace {

// How many bytes at the begin of both are whole components that they share, with the slash behind.
size_t shared(std::string_view a, std::string_view b) {
  size_t end = 0;
  for (size_t i = 0;; ++i) {
    const bool a_ends = i == a.size() || a[i] == '/';
    const bool b_ends = i == b.size() || b[i] == '/';
    if (a_ends && b_ends) end = i + 1;
    if (i >= a.size() || i >= b.size() || a[i] != b[i]) return end;
  }
}

}  // namespace

std::string path_from(std::string_view here, std::string_view path) {
  std::string seen;
  if (!here.empty()) {
    const size_t skip = path.empty() ? 0 : shared(here, path);
    const std::string_view up = here.substr(std::min(skip, here.size()));
    if (!up.empty()) seen = "..";
    for (const char c : up) seen += c == '/' ? "/.." : "";
    path = path.substr(std::min(skip, path.size()));
    if (!seen.empty() && !path.empty()) seen += '/';
  }
  seen += path;
  if (seen.empty()) return ".";
  return seen.starts_with('-') ? "./" + seen : seen;
}

}  // namespace kiln
