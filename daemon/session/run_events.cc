#include "daemon/session/run_events.h"

#include <utility>

#include "daemon/rules/engine_aware.h"
#include "daemon/session/run_feed.h"

namespace kiln::session {

Annotation annotate_node(const graph::Key& key, const graph::Value* value) {
  return rules::annotate(key, value).value_or(Annotation());
}

Listening::Listening(RunEvents& events, std::shared_ptr<RunFeed> feed)
    : events_(events), feed_(std::move(feed)) {}

Listening::~Listening() { events_.forget(*feed_, std::nullopt); }

SpanId Listening::root() const { return feed_->root(); }

void Listening::end(const Error* error) { feed_->end(error); }

RunEvents::RunEvents(Annotate annotate) : annotate_(std::move(annotate)) {}
RunEvents::~RunEvents() = default;

std::unique_ptr<Listening> RunEvents::listen(const Run& run, std::string name,
                                             std::string description,
                                             std::shared_ptr<trace::EventSink> sink) {
  auto feed = std::make_shared<RunFeed>(run, new_span(), std::move(name), std::move(description),
                                        std::move(sink));
  feed->begin();
  hear(run.id(), feed);
  return std::unique_ptr<Listening>(new Listening(*this, std::move(feed)));
}

void RunEvents::renew(const Run& run, RunId id) {
  const auto feed = feed_of(run.id());
  if (feed == nullptr) return;
  forget(*feed, run.id());
  hear(id, feed);
}

void RunEvents::join(const Run& run, RunId part) {
  if (auto feed = feed_of(run.id())) hear(part, std::move(feed));
}

void RunEvents::leave(RunId part) {
  if (slot_of(part).load(std::memory_order_acquire) == 0) return;
  feeds_.with([&](auto& feeds) {
    if (feeds.erase(part) != 0) slot_of(part).fetch_sub(1, std::memory_order_relaxed);
  });
}

void RunEvents::hear(RunId run, std::shared_ptr<RunFeed> feed) {
  const bool first =
      feeds_.with([&](auto& feeds) { return feeds.emplace(run, std::move(feed)).second; });
  KILN_CHECK(first, "a run is listened to twice");
  slot_of(run).fetch_add(1, std::memory_order_release);
}

void RunEvents::forget(const RunFeed& feed, std::optional<RunId> kept) {
  feeds_.with([&](auto& feeds) {
    std::erase_if(feeds, [&](const auto& heard) {
      if (heard.second.get() != &feed || heard.first == kept) return false;
      slot_of(heard.first).fetch_sub(1, std::memory_order_relaxed);
      return true;
    });
  });
}

std::shared_ptr<RunFeed> RunEvents::feed_of(RunId run) {
  if (slot_of(run).load(std::memory_order_acquire) == 0) return nullptr;
  return feeds_.with([&](const auto& feeds) -> std::shared_ptr<RunFeed> {
    const auto found = feeds.find(run);
    return found == feeds.end() ? nullptr : found->second;
  });
}

void RunEvents::message(RunId run, SpanId span, trace::Level level, std::string text) {
  if (const auto feed = feed_of(run)) feed->message(span, level, std::move(text));
}

SpanId RunEvents::function_started(const graph::FunctionStart& start) {
  const auto feed = feed_of(start.run);
  if (feed == nullptr) return {};
  const SpanId span = new_span();
  feed->started(span, start, annotate_(start.key, nullptr).level);
  return span;
}

void RunEvents::function_ended(const graph::FunctionEnd& end) {
  if (const auto feed = feed_of(end.run)) feed->ended(end, annotate_(end.key, end.value));
}

void RunEvents::answered(const graph::Remembered& answer) {
  const auto feed = feed_of(answer.run);
  if (feed != nullptr) feed->answered(answer, annotate_(answer.key, answer.value));
}

std::shared_ptr<RunFeed> RunEvents::feed_with(SpanId span) {
  return feeds_.with([&](const auto& feeds) -> std::shared_ptr<RunFeed> {
    for (const auto& [run, feed] : feeds) {
      if (feed->has_open(span)) return feed;
    }
    return nullptr;
  });
}

SpanId RunEvents::begin_part(SpanId whole, std::string name, std::string description) {
  if (whole == SpanId()) return {};
  const auto feed = feed_with(whole);
  if (feed == nullptr) return {};
  const SpanId part = new_span();
  feed->part_began(part, whole, std::move(name), std::move(description));
  return part;
}

void RunEvents::end_part(SpanId part) {
  if (const auto feed = feed_with(part)) feed->part_ended(part);
}

}  // namespace kiln::session
