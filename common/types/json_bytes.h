// Bytes in JSON, so that each content has one form and no two contents share one.
//
// What:    bytes that are valid UTF-8 are a string; others are an object, {"base64": "/w=="}. The
//          name of a member has to be a string: there, bytes that are not UTF-8, and text that
//          begins with "base64:", are "base64:" and their base64.
//          JSON's own mapping of protobuf has base64 for all bytes; text that people and scripts
//          read would be lost to them for that.
// Threads: stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/types/base64.h"
#include "common/types/rel_path.h"

namespace kiln {

inline constexpr std::string_view kBase64Name = "base64";
inline constexpr std::string_view kBase64Prefix = "base64:";

// `Json` is one of nlohmann's types.
template <class Json>
Json json_of_bytes(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return Json(std::string(bytes));
  return Json{{std::string(kBase64Name), base64_encoded(bytes)}};
}

// Nothing if the value has neither form.
template <class Json>
std::optional<std::string> bytes_of_json(const Json& json) {
  if (json.is_string()) return json.template get<std::string>();
  if (!json.is_object() || json.size() != 1) return std::nullopt;
  const auto encoded = json.find(std::string(kBase64Name));
  if (encoded == json.end() || !encoded->is_string()) return std::nullopt;
  return base64_decoded(encoded->template get<std::string>());
}

inline std::string json_name_of_bytes(std::string_view bytes) {
  if (is_valid_utf8(bytes) && !bytes.starts_with(kBase64Prefix)) return std::string(bytes);
  return std::string(kBase64Prefix) + base64_encoded(bytes);
}

// Nothing if what follows "base64:" is not base64.
inline std::optional<std::string> bytes_of_json_name(std::string_view name) {
  if (!name.starts_with(kBase64Prefix)) return std::string(name);
  return base64_decoded(name.substr(kBase64Prefix.size()));
}

}  // namespace kiln
