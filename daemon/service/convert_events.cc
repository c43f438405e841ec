// Events to their messages.
#include "common/ipc/wire_error.h"
#include "common/types/rel_path.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"

namespace kiln::service {

namespace {

v1::Event::Kind wire_kind(trace::EventKind kind) {
  switch (kind) {
    case trace::EventKind::kStarted:
      return v1::Event::STARTED;
    case trace::EventKind::kCompleted:
      return v1::Event::COMPLETED;
    case trace::EventKind::kMemoized:
      return v1::Event::MEMOIZED;
    case trace::EventKind::kMessage:
      return v1::Event::MESSAGE;
    case trace::EventKind::kOutput:
      return v1::Event::OUTPUT;
    case trace::EventKind::kDropped:
      return v1::Event::DROPPED;
  }
  return v1::Event::KIND_UNSPECIFIED;
}

v1::Event::Level wire_level(trace::Level level) {
  switch (level) {
    case trace::Level::kError:
      return v1::Event::ERROR;
    case trace::Level::kWarn:
      return v1::Event::WARN;
    case trace::Level::kInfo:
      return v1::Event::INFO;
    case trace::Level::kDebug:
      return v1::Event::DEBUG;
    case trace::Level::kTrace:
      return v1::Event::TRACE;
  }
  return v1::Event::LEVEL_UNSPECIFIED;
}

v1::Event::Outcome wire_outcome(trace::Outcome outcome) {
  switch (outcome) {
    case trace::Outcome::kNone:
      return v1::Event::OUTCOME_UNSPECIFIED;
    case trace::Outcome::kChanged:
      return v1::Event::CHANGED;
    case trace::Outcome::kUnchanged:
      return v1::Event::UNCHANGED;
    case trace::Outcome::kFailed:
      return v1::Event::FAILED;
    case trace::Outcome::kCancelled:
      return v1::Event::CANCELLED;
    case trace::Outcome::kAnswered:
      return v1::Event::ANSWERED;
  }
  return v1::Event::OUTCOME_UNSPECIFIED;
}

// Strings of a message are UTF-8; a client could not read the event otherwise.
std::string wire_text(const std::string& text) {
  return std::string(head(is_valid_utf8(text) ? text : printable(text), kMostText));
}

}  // namespace

Result<std::optional<trace::Level>> level_from(v1::Event::Level wire) {
  using Level = std::optional<trace::Level>;
  switch (wire) {
    case v1::Event::LEVEL_UNSPECIFIED:
      return Level();
    case v1::Event::ERROR:
      return Level(trace::Level::kError);
    case v1::Event::WARN:
      return Level(trace::Level::kWarn);
    case v1::Event::INFO:
      return Level(trace::Level::kInfo);
    case v1::Event::DEBUG:
      return Level(trace::Level::kDebug);
    case v1::Event::TRACE:
      return Level(trace::Level::kTrace);
    default:
      return user_error(ErrorCode::kInvalidArgument,
                        "unknown level of events " + std::to_string(wire));
  }
}

void set_event(const trace::Event& event, v1::Event& wire) {
  wire.set_kind(wire_kind(event.kind));
  wire.set_level(wire_level(event.level));
  wire.set_span(event.span.value);
  wire.set_parent(event.parent.value);
  wire.set_run(event.run.value);
  wire.set_time_ns(static_cast<uint64_t>(event.time.count()));
  wire.set_start_ns(static_cast<uint64_t>(event.start.count()));
  wire.set_name(event.name);
  wire.set_description(wire_text(event.description));
  wire.set_reason(event.reason);
  wire.set_changed_input(wire_text(event.changed));
  wire.set_outcome(wire_outcome(event.outcome));
  wire.set_joined(event.joined);
  wire.set_message(wire_text(event.message));
  if (event.error) to_wire(bounded_in_message(*event.error), *wire.mutable_error());
  wire.mutable_metadata()->insert(event.metadata.begin(), event.metadata.end());
  for (const trace::OutputReference& output : event.outputs) {
    v1::Event::Output& made = *wire.add_outputs();
    made.set_name(output.name);
    set_digest(output.digest, *made.mutable_digest());
  }
  wire.set_dropped(event.dropped);
}

}  // namespace kiln::service
