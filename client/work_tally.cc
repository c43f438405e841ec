#include "client/work_tally.h"

#include <cstdlib>

#include "client/render.h"

namespace kiln {

namespace {
// Less is not worth telling.
constexpr double kLeastSaved = 0.005;
}  // namespace

void WorkTally::add(const v1::ProcessResult& result) {
  if (result.source() == v1::ProcessResult::RAN) {
    ++ran_;
    return;
  }
  ++cached_;
  saved_seconds_ += result.wall_seconds();
}

void WorkTally::add(const v1::Event& event) {
  const bool ended = event.kind() == v1::Event::COMPLETED || event.kind() == v1::Event::MEMOIZED;
  if (event.name() != kProcessEvent || !ended) return;
  const auto source = event.metadata().find("source");
  if (source == event.metadata().end()) return;  // it has no result
  if (source->second == "ran") {
    ++ran_;
    return;
  }
  ++cached_;
  const auto wall = event.metadata().find("wall_seconds");
  if (wall != event.metadata().end()) saved_seconds_ += std::strtod(wall->second.c_str(), nullptr);
}

std::string WorkTally::summary(double seconds) const {
  std::string text = "nothing had to run";
  if (done() != 0) {
    text = std::to_string(ran_) + (ran_ == 1 ? " process ran, " : " processes ran, ") +
           std::to_string(cached_) + " cached";
  }
  text += ", in " + seconds_text(seconds);
  if (saved_seconds_ >= kLeastSaved) text += " (saved " + seconds_text(saved_seconds_) + ")";
  return text;
}

}  // namespace kiln
