#include "daemon/trace/event_stream.h"

#include <algorithm>
#include <utility>

namespace kiln::trace {

EventStream::EventStream(Level level, std::function<void()> on_ready, StreamLimits limits)
    : level_(level), on_ready_(std::move(on_ready)), limits_(limits) {}

void EventStream::publish(Event event) {
  if (!wants(event.level)) return;
  bool ready = false;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ready = count_ == 0 && dropped_ == 0;
    const size_t bytes = event.bytes();
    auto& same_level = waiting_[static_cast<size_t>(event.level)];
    same_level.push_back({next_sequence_++, bytes, std::move(event)});
    ++count_;
    bytes_ += bytes;
    drop_to_fit();
  }
  if (ready) on_ready_();
}

void EventStream::drop_to_fit() {
  while (count_ > limits_.events || bytes_ > limits_.bytes) {
    size_t least = kLevels - 1;
    while (waiting_[least].empty()) --least;
    const Waiting& oldest = waiting_[least].front();
    dropped_before_ =
        dropped_++ == 0 ? oldest.sequence : std::min(dropped_before_, oldest.sequence);
    bytes_ -= oldest.bytes;
    --count_;
    waiting_[least].pop_front();
  }
}

std::vector<Event> EventStream::take() {
  std::vector<Waiting> all;
  uint64_t dropped = 0;
  uint64_t dropped_before = 0;
  {
    MutexLock lock(mutex_);
    all.reserve(count_);
    for (auto& level : waiting_) {
      std::move(level.begin(), level.end(), std::back_inserter(all));
      level.clear();
    }
    count_ = 0;
    bytes_ = 0;
    dropped = std::exchange(dropped_, 0);
    dropped_before = dropped_before_;
  }
  std::sort(all.begin(), all.end(),
            [](const Waiting& a, const Waiting& b) { return a.sequence < b.sequence; });
  std::vector<Event> events;
  events.reserve(all.size() + 1);
  const auto tell_dropped = [&] {
    Event event;
    event.kind = EventKind::kDropped;
    event.level = Level::kWarn;
    event.dropped = std::exchange(dropped, 0);
    event.message = std::to_string(event.dropped) + " events were dropped: the reader is too slow";
    events.push_back(std::move(event));
  };
  for (Waiting& next : all) {
    if (dropped != 0 && next.sequence > dropped_before) tell_dropped();
    events.push_back(std::move(next.event));
  }
  if (dropped != 0) tell_dropped();
  return events;
}

void EventStream::end() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
  }
  on_ready_();
}

bool EventStream::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

void EventStream::abandon() {
  end();
  take();
}

}  // namespace kiln::trace
