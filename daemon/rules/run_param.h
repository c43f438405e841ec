// CurrentRun: the run that asks, as a param.
//
// What:    a rule that takes it runs once in every run, and so does what depends on it; all else is
//          shared between runs as ever. A look that --loop takes at what has changed is the same
//          CurrentRun.
// Threads: immutable values.
#pragma once

#include <string_view>

#include "common/types/ids.h"
#include "daemon/rules/values/type.h"

namespace kiln::rules {

struct CurrentRun {
  static constexpr std::string_view kTypeName = "CurrentRun";
  static constexpr bool kSessionScoped = true;
  RunId id;
  static void fields(auto& self, auto&& field) { field("id", self.id.value); }
  friend bool operator==(const CurrentRun&, const CurrentRun&) = default;
};

}  // namespace kiln::rules
