// EventStream: the events of one run on their way to one reader, who may be slow or never come.
//
// Model:   bounded by number and by bytes. When it is full, the oldest event of the least level
//          goes, be it the new one; the reader is told how many went, by an event in their place.
// Threads: thread-safe. Publishing takes a lock for as long as it takes to move an event.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "common/base/sync.h"
#include "daemon/trace/events.h"

namespace kiln::trace {

struct StreamLimits {
  size_t events = 16384;
  size_t bytes = size_t{8} << 20;
};

class EventStream final : public EventSink {
 public:
  // `on_ready` is called, with no lock held, when there is something to take() after there was
  // nothing, and when the stream ends. Events less important than `level` are not wanted.
  EventStream(Level level, std::function<void()> on_ready, StreamLimits limits = {});

  bool wants(Level level) const override { return level <= level_; }
  void publish(Event event) override;

  // What waits, in the order of publishing, `most` at most. Nothing: on_ready will tell of more.
  std::vector<Event> take(size_t most = std::numeric_limits<size_t>::max());
  // Nothing is taken in from here on; what waits can still be taken. True ever after: ended().
  void end();
  bool ended() const;
  // The reader is gone: drops everything, and ends.
  void abandon();

 private:
  struct Waiting {
    uint64_t sequence;
    size_t bytes;
    Event event;
  };
  void drop_to_fit() KILN_REQUIRES(mutex_);

  // Constant after construction.
  const Level level_;
  const std::function<void()> on_ready_;
  const StreamLimits limits_;

  mutable Mutex mutex_;
  std::array<std::deque<Waiting>, kLevels> waiting_ KILN_GUARDED_BY(mutex_);
  uint64_t next_sequence_ KILN_GUARDED_BY(mutex_) = 0;
  size_t count_ KILN_GUARDED_BY(mutex_) = 0;
  size_t bytes_ KILN_GUARDED_BY(mutex_) = 0;
  // Since the last take(): how many went, and before which one.
  uint64_t dropped_ KILN_GUARDED_BY(mutex_) = 0;
  uint64_t dropped_before_ KILN_GUARDED_BY(mutex_) = 0;
  bool ended_ KILN_GUARDED_BY(mutex_) = false;
};

}  // namespace kiln::trace
