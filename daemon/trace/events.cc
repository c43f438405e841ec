#include "daemon/trace/events.h"

namespace kiln::trace {

size_t Event::bytes() const {
  size_t total = sizeof(Event) + name.size() + description.size() + reason.size() + changed.size() +
                 message.size();
  for (const auto& [key, value] : metadata) total += key.size() + value.size() + 64;
  for (const OutputReference& output : outputs) total += sizeof(output) + output.name.size();
  // The error is shared with whoever met it.
  return total;
}

}  // namespace kiln::trace
