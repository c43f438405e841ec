// RunFeed: the events of one run that somebody listens to, and the spans of it that are open.
//
// Threads: thread-safe; used by whoever publishes for as long as that takes, also after the run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/sync.h"
#include "daemon/session/run_events.h"

namespace kiln::session {

class RunFeed {
 public:
  RunFeed(const Run& run, SpanId root, std::string name, std::string description,
          std::shared_ptr<trace::EventSink> sink);

  RunId run() const { return run_; }
  SpanId root() const { return root_; }

  void begin();
  void end(const Error* error);
  void started(SpanId span, const graph::FunctionStart& start, trace::Level level);
  void ended(const graph::FunctionEnd& end, Annotation annotation);
  void answered(const graph::Remembered& answer, Annotation annotation);
  void message(SpanId span, trace::Level level, std::string text);
  void part_began(SpanId part, SpanId whole, std::string name, std::string description);
  void part_ended(SpanId part);
  // Has the span, of a function or a part, begun and not ended?
  bool has_open(SpanId span) const;

 private:
  // What the end of a span repeats of its start.
  struct Open {
    SpanId parent;
    std::chrono::nanoseconds start;
    graph::RunReason reason;
    std::optional<graph::Key> changed;
  };

  std::chrono::nanoseconds now() const { return std::chrono::steady_clock::now() - began_; }
  SpanId parent_of(SpanId named) const { return named == SpanId() ? root_ : named; }
  trace::Event event(trace::EventKind kind, trace::Level level) const;
  trace::Event event_of(trace::EventKind kind, const graph::Key& key, Annotation annotation) const;
  static void set_start(const Open& open, trace::Event& event);
  // With it, what it made: an event of its own.
  void publish(trace::Event event);

  const RunId run_;
  const SpanId root_;
  const std::chrono::steady_clock::time_point began_;
  const std::string name_;
  const std::string description_;
  const std::shared_ptr<trace::EventSink> sink_;
  Synchronized<std::unordered_map<uint64_t, Open>> open_;
  Synchronized<std::unordered_map<uint64_t, trace::Event>> parts_;  // as they were told to begin
};

}  // namespace kiln::session
