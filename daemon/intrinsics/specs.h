// Specs: what of a workspace a goal is about, as the user wrote it. A root param.
// Threads: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/types/path_from.h"
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
  std::string working_directory;  // where the caller stands, relative to the workspace root
  bool null_terminated = false;   // names of files end with a NUL byte instead of a newline

  // A path below the workspace root as the caller types it, so that it can be given back to kiln.
  std::string shown(std::string_view path) const { return path_from(working_directory, path); }

  static void fields(auto& self, auto&& field) {
    field("json", self.json);
    field("working_directory", self.working_directory);
    field("null_terminated", self.null_terminated);
  }
  friend bool operator==(const OutputOptions&, const OutputOptions&) = default;
};

}  // namespace kiln::intrinsics
