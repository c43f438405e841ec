#include "daemon/service/bounds.h"

#include <algorithm>

#include "common/ipc/wire_error.h"

namespace kiln::service {

namespace {
constexpr size_t kMostWarnings = 20;
constexpr size_t kMostOfAWarning = 1024;
// Of an error in a message, which is no trailer: long lists of conflicts are whole.
constexpr size_t kMostOfAnError = size_t{1} << 20;
}  // namespace

std::string_view head(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

void add_warnings(const std::vector<std::string>& warnings,
                  google::protobuf::RepeatedPtrField<std::string>& wire) {
  const size_t shown = warnings.size() <= kMostWarnings + 1 ? warnings.size() : kMostWarnings;
  for (size_t i = 0; i < shown; ++i) {
    const std::string_view text = head(warnings[i], kMostOfAWarning);
    *wire.Add() = std::string(text) + (text.size() < warnings[i].size() ? "…" : "");
  }
  const size_t left_out = warnings.size() - shown;
  if (left_out > 0) *wire.Add() = "… and " + std::to_string(left_out) + " more warnings";
}

Error bounded_in_message(const Error& error) { return bounded(error, kMostOfAnError); }

}  // namespace kiln::service
