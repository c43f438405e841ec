// RunEvents: what the graph runs, as events of the runs that it runs it for.
//
// What:    the daemon's graph::Observer. A node's events go to the run whose request made it start;
//          a run that joined it is told when it has the answer. Parts of a node (trace::Spans) go
//          where the node's go. All of it only while somebody listens to the run.
// Cost:    a run that nobody listens to: one atomic look-up for each function that starts.
// Threads: thread-safe. Outlives the graph that it observes.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/sync.h"
#include "daemon/graph/observer.h"
#include "daemon/session/run.h"
#include "daemon/trace/annotation.h"
#include "daemon/trace/spans.h"

namespace kiln::session {

using trace::Annotation;

// What a node and its value say of themselves; the value is null before there is one. Only the
// level counts then.
using Annotate = std::function<Annotation(const graph::Key& key, const graph::Value* value)>;
// Rules speak for themselves; what lies below them, files for instance, is kTrace.
Annotation annotate_node(const graph::Key& key, const graph::Value* value);

class RunFeed;

// Somebody listens to a run: from begin to end, the request is the root of its spans.
class Listening {
 public:
  ~Listening();
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  // The request's own span: the parent of what names none.
  SpanId root() const;
  // The request has ended; null: with an answer. Once. What still winds down for it is not heard
  // any more.
  void end(const Error* error);

 private:
  friend class RunEvents;
  Listening(class RunEvents& events, std::shared_ptr<RunFeed> feed);
  class RunEvents& events_;
  const std::shared_ptr<RunFeed> feed_;
};

class RunEvents final : public graph::Observer, public trace::Spans {
 public:
  explicit RunEvents(Annotate annotate = annotate_node);
  ~RunEvents() override;

  // Tells `sink` of the run from now on. One listener for each run. `name` and `description` are
  // those of the request: "exec", "Compile src/main.c".
  std::unique_ptr<Listening> listen(const Run& run, std::string name, std::string description,
                                    std::shared_ptr<trace::EventSink> sink);
  // The run goes on under another id: what runs for that is told to who listens to `run`, and what
  // ran for an earlier such id no more.
  void renew(const Run& run, RunId id);
  // What runs for `part`, a part of `run`, is told to who listens to `run`; until leave().
  void join(const Run& run, RunId part);
  void leave(RunId part);
  // Says something in a span of the run: `span` is a Context::span(), or 0 for the request's own.
  void message(RunId run, SpanId span, trace::Level level, std::string text);

  SpanId function_started(const graph::FunctionStart& start) override;
  void function_ended(const graph::FunctionEnd& end) override;
  void answered(const graph::Remembered& answer) override;

  SpanId begin_part(SpanId whole, std::string name, std::string description) override;
  void end_part(SpanId part) override;

 private:
  friend class Listening;
  static constexpr size_t kSlots = 256;

  std::atomic<uint32_t>& slot_of(RunId run) { return listened_[run.value % kSlots]; }
  std::shared_ptr<RunFeed> feed_of(RunId run);
  // The one in which `span` is open; null if none is.
  std::shared_ptr<RunFeed> feed_with(SpanId span);
  void hear(RunId run, std::shared_ptr<RunFeed> feed);
  // All ids of the feed but `kept`.
  void forget(const RunFeed& feed, std::optional<RunId> kept);
  SpanId new_span() { return {last_span_.fetch_add(1, std::memory_order_relaxed) + 1}; }

  const Annotate annotate_;
  std::atomic<uint64_t> last_span_{0};
  // How many runs with an id of this remainder are listened to.
  std::array<std::atomic<uint32_t>, kSlots> listened_{};
  Synchronized<std::unordered_map<RunId, std::shared_ptr<RunFeed>>> feeds_;
};

}  // namespace kiln::session
