#include "client/running_work.h"

#include <algorithm>

#include "client/render.h"

namespace kiln {

namespace {

constexpr std::chrono::milliseconds kWorthALine{300};
// Part of a process's span (events.proto).
constexpr std::string_view kWaitForSlot = "wait_for_slot";

double seconds_between(RunningWork::Clock::time_point from, RunningWork::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void RunningWork::take(const v1::Event& event, Clock::time_point now) {
  if (event.name() == kWaitForSlot) {
    const bool waits = event.kind() == v1::Event::STARTED;
    if (const auto work = running_.find(event.parent()); work != running_.end()) {
      work->second.waits = waits;
      work->second.since = now;
    }
    return;
  }
  if (event.name() != kProcessEvent) return;
  if (event.kind() == v1::Event::STARTED) {
    running_.try_emplace(event.span(), Work{event.description(), now});
  } else if (event.kind() == v1::Event::COMPLETED) {
    running_.erase(event.span());
  }
  tally_.add(event);
}

std::vector<std::string> RunningWork::lines(Clock::time_point now, size_t rows) const {
  std::vector<std::string> lines;
  std::vector<const Work*> working;
  for (const auto& [span, work] : running_) {
    if (!work.waits) working.push_back(&work);
  }
  const bool worth_it = std::any_of(working.begin(), working.end(), [now](const Work* work) {
    return now - work->since >= kWorthALine;
  });
  if (running_.size() + tally_.done() > 1 && (worth_it || tally_.done() > 0)) {
    lines.push_back(overview(running_.size() - working.size()));
  }
  if (!worth_it) return running_.empty() ? std::vector<std::string>() : lines;
  for (const Work* work : working) {
    lines.push_back(seconds_text(seconds_between(work->since, now)) + "  " + work->description);
  }
  if (lines.size() > rows && rows > 0) {
    const size_t hidden = lines.size() - rows + 1;
    lines.resize(rows - 1);
    lines.push_back("       and " + std::to_string(hidden) + " more");
  }
  return lines;
}

std::string RunningWork::overview(size_t waiting) const {
  std::string text =
      "[" + std::to_string(tally_.done()) + "/" + std::to_string(tally_.done() + running_.size()) +
      "] " + std::to_string(tally_.ran()) + " ran, " + std::to_string(tally_.cached()) + " cached";
  if (waiting != 0) text += ", " + std::to_string(waiting) + " waiting";
  return text;
}

}  // namespace kiln
