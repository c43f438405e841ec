// Specs: what of a workspace a goal is about, as the user wrote it. A root param.
// Threads: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/values/encoding.h"

namespace kiln::intrinsics {

struct Specs {
  static constexpr std::string_view kTypeName = "Specs";

  std::vector<std::string> specs;

  static void fields(auto& self, auto&& field) { field("specs", self.specs); }
  friend bool operator==(const Specs&, const Specs&) = default;
};

// A root param: how a goal is to say what it found.
struct OutputOptions {
  static constexpr std::string_view kTypeName = "OutputOptions";

  bool json = false;

  static void fields(auto& self, auto&& field) { field("json", self.json); }
  friend bool operator==(const OutputOptions&, const OutputOptions&) = default;
};

}  // namespace kiln::intrinsics
