// What a piece of work and its result say of themselves, for the events that tell of it.
#pragma once

#include <string>
#include <vector>

#include "daemon/trace/events.h"

namespace kiln::trace {

struct Annotation {
  Level level = Level::kTrace;
  std::string message;
  Metadata metadata;
  std::vector<OutputReference> outputs;
};

}  // namespace kiln::trace
