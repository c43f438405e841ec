#include "daemon/session/run_feed.h"

#include <utility>

namespace kiln::session {

namespace {

using trace::EventKind;
using trace::Level;

trace::Outcome outcome_of(graph::Ending ending) {
  switch (ending) {
    case graph::Ending::kChanged:
      return trace::Outcome::kChanged;
    case graph::Ending::kUnchanged:
      return trace::Outcome::kUnchanged;
    case graph::Ending::kFailed:
      return trace::Outcome::kFailed;
    case graph::Ending::kCancelled:
      return trace::Outcome::kCancelled;
  }
  return trace::Outcome::kNone;
}

trace::Outcome outcome_of_request(const Error* error) {
  if (error == nullptr) return trace::Outcome::kAnswered;
  return error->code() == ErrorCode::kCancelled ? trace::Outcome::kCancelled
                                                : trace::Outcome::kFailed;
}

}  // namespace

RunFeed::RunFeed(const Run& run, SpanId root, std::string name, std::string description,
                 std::shared_ptr<trace::EventSink> sink)
    : run_(run.id()),
      root_(root),
      began_(run.began()),
      name_(std::move(name)),
      description_(std::move(description)),
      sink_(std::move(sink)) {}

trace::Event RunFeed::event(EventKind kind, Level level) const {
  trace::Event event;
  event.kind = kind;
  event.level = level;
  event.run = run_;
  event.time = now();
  return event;
}

trace::Event RunFeed::event_of(EventKind kind, const graph::Key& key, Annotation annotation) const {
  trace::Event told = event(kind, annotation.level);
  told.name = key.function->name();
  told.description = key.describe();
  told.message = std::move(annotation.message);
  told.metadata = std::move(annotation.metadata);
  told.outputs = std::move(annotation.outputs);
  return told;
}

void RunFeed::set_start(const Open& open, trace::Event& event) {
  event.parent = open.parent;
  event.start = open.start;
  event.reason = graph::run_reason_name(open.reason);
  if (open.changed) event.changed = open.changed->describe();
}

void RunFeed::publish(trace::Event event) {
  if (!event.outputs.empty()) {
    trace::Event made = event;
    made.kind = EventKind::kOutput;
    event.outputs.clear();
    sink_->publish(std::move(made));
  }
  sink_->publish(std::move(event));
}

void RunFeed::begin() {
  trace::Event started = event(EventKind::kStarted, Level::kInfo);
  started.span = root_;
  started.time = {};
  started.name = name_;
  started.description = description_;
  publish(std::move(started));
}

void RunFeed::end(const Error* error) {
  trace::Event completed = event(EventKind::kCompleted, Level::kInfo);
  completed.span = root_;
  completed.name = name_;
  completed.description = description_;
  completed.outcome = outcome_of_request(error);
  if (error != nullptr) completed.error = *error;
  publish(std::move(completed));
}

void RunFeed::started(SpanId span, const graph::FunctionStart& start, Level level) {
  Open open{parent_of(start.parent), now(), start.reason, std::nullopt};
  if (start.changed != nullptr) open.changed = *start.changed;
  if (sink_->wants(level)) {
    trace::Event started = event_of(EventKind::kStarted, start.key, {.level = level});
    set_start(open, started);
    started.span = span;
    started.time = open.start;
    publish(std::move(started));
  }
  open_.with([&](auto& spans) { spans.emplace(span.value, std::move(open)); });
}

void RunFeed::ended(const graph::FunctionEnd& end, Annotation annotation) {
  auto node = open_.with([&](auto& spans) { return spans.extract(end.span.value); });
  if (node.empty() || !sink_->wants(annotation.level)) return;
  trace::Event completed = event_of(EventKind::kCompleted, end.key, std::move(annotation));
  set_start(node.mapped(), completed);
  completed.span = end.span;
  completed.outcome = outcome_of(end.ending);
  if (end.error != nullptr) completed.error = *end.error;
  publish(std::move(completed));
}

void RunFeed::answered(const graph::Remembered& answer, Annotation annotation) {
  if (!sink_->wants(annotation.level)) return;
  trace::Event memoized = event_of(EventKind::kMemoized, answer.key, std::move(annotation));
  memoized.parent = parent_of(answer.parent);
  memoized.joined = answer.recall == graph::Recall::kJoined;
  memoized.reason = graph::recall_name(answer.recall);
  if (answer.error != nullptr) memoized.error = *answer.error;
  // Wherever the value came from when it was made, this run has it from memory.
  for (auto& [name, value] : memoized.metadata) {
    if (name == "source") value = "memoized";
  }
  publish(std::move(memoized));
}

void RunFeed::part_began(SpanId part, SpanId whole, std::string name, std::string description) {
  trace::Event began = event(EventKind::kStarted, Level::kDebug);
  began.span = part;
  began.parent = whole;
  began.start = began.time;
  began.name = std::move(name);
  began.description = std::move(description);
  parts_.with([&](auto& parts) { parts.emplace(part.value, began); });
  publish(std::move(began));
}

void RunFeed::part_ended(SpanId part) {
  auto node = parts_.with([&](auto& parts) { return parts.extract(part.value); });
  if (node.empty()) return;
  trace::Event ended = std::move(node.mapped());
  ended.kind = EventKind::kCompleted;
  ended.time = now();
  publish(std::move(ended));
}

bool RunFeed::has_open(SpanId span) const {
  const auto among = [span](const auto& spans) { return spans.contains(span.value); };
  return open_.with(among) || parts_.with(among);
}

void RunFeed::message(SpanId span, Level level, std::string text) {
  if (!sink_->wants(level)) return;
  trace::Event said = event(EventKind::kMessage, level);
  said.span = parent_of(span);
  said.message = std::move(text);
  publish(std::move(said));
}

}  // namespace kiln::session
