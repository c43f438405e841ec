// Events: what a run tells of itself while it works. API: they reach clients as kiln.v1.Event.
//
// What:    a span (a rule, a process, the request itself) is told of when it starts and when it
//          completes; what needed no run is told of once, as memoized.
// Threads: an Event is a value; an EventSink is thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/types/digest.h"
#include "common/types/ids.h"

namespace kiln::trace {

// The numbers grow as what is told matters less.
enum class Level : uint8_t { kError, kWarn, kInfo, kDebug, kTrace };
inline constexpr size_t kLevels = 5;

enum class EventKind : uint8_t {
  kStarted,
  kCompleted,
  kMemoized,  // answered without a run for this request
  kMessage,
  kOutput,   // a span made files that can be fetched from the store
  kDropped,  // the reader was too slow, and events that stood here are gone
};

// How a span ended.
enum class Outcome : uint8_t {
  kNone,       // it did not, it was memoized, or it has no value (a part of a node)
  kChanged,    // with a value that is new
  kUnchanged,  // with the value of last time
  kFailed,
  kCancelled,
  kAnswered,  // of the request itself: with an answer, which may be no
};

// A tree in the store, by the name that its maker gave it.
struct OutputReference {
  std::string name;
  Digest digest;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

struct Event {
  EventKind kind = EventKind::kMessage;
  Level level = Level::kInfo;
  Outcome outcome = Outcome::kNone;
  bool joined = false;  // memoized: another run was at work on it
  SpanId span;          // of a message and an output: whose it is. 0 for what is no span
  SpanId parent;        // may be one that a reader's level hides
  RunId run;
  // Since the run began: when this happened, and when the span started.
  std::chrono::nanoseconds time{};
  std::chrono::nanoseconds start{};
  std::string name;         // what kind of work: "run_process"; stable
  std::string description;  // for people
  // Why it ran ("input changed"), or need not ("unchanged"), as kiln names reasons. None for the
  // request itself, and for what no node did.
  std::string reason;
  std::string changed;  // for "input changed": which input, for people
  std::string message;
  Metadata metadata;
  std::vector<OutputReference> outputs;
  std::optional<Error> error;
  uint64_t dropped = 0;  // of kDropped: how many

  // Approximate footprint.
  size_t bytes() const;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Is an event of this level worth being made?
  virtual bool wants(Level level) const = 0;
  // Takes it, or drops it; never blocks, and never fails.
  virtual void publish(Event event) = 0;
};

}  // namespace kiln::trace
