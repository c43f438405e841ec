#include "daemon/trace/event_stream.h"

#include <algorithm>
#include <utility>

namespace kiln::trace {

namespace {

Event drop_notice(uint64_t dropped) {
  Event event;
  event.kind = EventKind::kDropped;
  event.level = Level::kWarn;
  event.dropped = dropped;
  event.message = std::to_string(dropped) + " events were dropped: the reader is too slow";
  return event;
}

}  // namespace

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

std::vector<Event> EventStream::take(size_t most) {
  std::vector<Event> events;
  MutexLock lock(mutex_);
  while (events.size() < most && (count_ != 0 || dropped_ != 0)) {
    std::deque<Waiting>* first = nullptr;
    for (auto& level : waiting_) {
      if (level.empty()) continue;
      if (first == nullptr || level.front().sequence < first->front().sequence) first = &level;
    }
    if (dropped_ != 0 && (first == nullptr || first->front().sequence > dropped_before_)) {
      events.push_back(drop_notice(std::exchange(dropped_, 0)));
      continue;
    }
    bytes_ -= first->front().bytes;
    --count_;
    events.push_back(std::move(first->front().event));
    first->pop_front();
  }
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
  MutexLock lock(mutex_);
  for (auto& level : waiting_) level.clear();
  count_ = 0;
  bytes_ = 0;
  dropped_ = 0;
}

}  // namespace kiln::trace
