#include "client/running_work.h"

#include "client/render.h"

namespace kiln {

namespace {
constexpr std::chrono::milliseconds kWorthALine{300};
}  // namespace

void RunningWork::take(const v1::Event& event, Clock::time_point now) {
  // The request's own span has no parent and says nothing new.
  const bool matters = event.level() <= v1::Event::INFO && event.parent() != 0;
  if (event.kind() == v1::Event::STARTED && matters) {
    running_.try_emplace(event.span(), Work{event.description(), now});
  } else if (event.kind() == v1::Event::COMPLETED) {
    running_.erase(event.span());
  }
}

std::optional<std::string> RunningWork::line(Clock::time_point now) const {
  if (running_.empty()) return std::nullopt;
  const Work& oldest = running_.begin()->second;
  if (now - oldest.since < kWorthALine) return std::nullopt;
  const double seconds = std::chrono::duration<double>(now - oldest.since).count();
  std::string line = seconds_text(seconds) + "  " + oldest.description;
  if (running_.size() > 1) line += "  (and " + std::to_string(running_.size() - 1) + " more)";
  return line;
}

}  // namespace kiln
