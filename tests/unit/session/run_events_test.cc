// Whose events are whose, and what they say.
#include "daemon/session/run_events.h"

#include <gtest/gtest.h>

#include "daemon/trace/event_stream.h"
#include "tests/unit/graph/toys.h"

namespace kiln::session {
namespace {

using namespace graph::toys;
using trace::EventKind;

// Toys are kDebug, and say of their value that it is odd.
Annotation annotate_toy(const graph::Key& key, const graph::Value* value) {
  Annotation annotation;
  annotation.level = key.function->name() == "leaf" ? trace::Level::kTrace : trace::Level::kDebug;
  if (value != nullptr && graph::value_as<int>(*value) % 2 != 0) {
    annotation.level = trace::Level::kWarn;
    annotation.message = "odd";
    annotation.metadata = {{"source", "ran"}};
  }
  return annotation;
}

class RunEventsTest : public testing::Test {
 protected:
  World world;
  Door door;
  bool slow = false;
  Runs runs;
  RunEvents events{annotate_toy};
  Toy above{"above", world.record, [this](graph::Context& c, int n) { return run_above(c, n); }};
  graph::Graph graph{world.executor, {.observer = &events}};

  Task<Result<graph::Computed>> run_above(graph::Context& context, int n) {
    events.message(context.run(), context.span(), trace::Level::kInfo, "hello");
    KILN_CO_ASSIGN(const graph::ValueRef leaf, co_await context.get(world.leaf(n)));
    if (slow) co_await door.wait();
    if (graph::value_as<int>(leaf) < 0) {
      co_return user_error(ErrorCode::kInvalidArgument, "negative");
    }
    co_return computed(graph::value_as<int>(leaf));
  }

  // A run that somebody listens to.
  struct Client {
    std::shared_ptr<session::Run> run;
    std::shared_ptr<trace::EventStream> stream;
    std::unique_ptr<Listening> listening;
  };
  Client client(trace::Level level = trace::Level::kTrace) {
    Client client;
    client.run = *runs.begin(nullptr);
    client.stream = std::make_shared<trace::EventStream>(level, [] {});
    client.listening = events.listen(*client.run, "test", "a test", client.stream);
    return client;
  }
  // "started 2<1 leaf(1) first run", "message 2 hello".
  static Ran told(const Client& client) {
    Ran lines;
    for (const trace::Event& event : client.stream->take()) {
      EXPECT_EQ(event.run, client.run->id());
      lines.push_back(line_of(event));
    }
    return lines;
  }
  static std::string line_of(const trace::Event& event) {
    const std::string span = std::to_string(event.span.value);
    const std::string what = std::to_string(event.parent.value) + " " + event.description;
    switch (event.kind) {
      case EventKind::kStarted:
        return "started " + span + "<" + what + " " + event.reason + " " + event.changed;
      case EventKind::kCompleted:
        return "completed " + span + "<" + what + " " + event.reason + " " + event.message +
               (event.error ? event.error->message() : "");
      case EventKind::kMemoized:
        EXPECT_EQ(event.joined, event.reason == "joined");
        return "memoized (" + event.reason + ") " + what + " " +
               (event.metadata.empty() ? "" : event.metadata[0].second) +
               (event.error ? event.error->message() : "");
      default:
        return "message " + span + " " + event.message;
    }
  }
};

TEST_F(RunEventsTest, ARunIsToldOfItsRequestAndOfAllThatRunsForIt) {
  world.leaves.set(1, 6);
  Client client = this->client();
  world.ask(graph, above(1), client.run->id());
  client.listening->end(nullptr);
  EXPECT_EQ(told(client),
            (Ran{"started 1<0 a test  ", "started 2<1 above(1) first run ", "message 2 hello",
                 "started 3<2 leaf(1) first run ", "completed 3<2 leaf(1) first run ",
                 "completed 2<1 above(1) first run ", "completed 1<0 a test  "}));
}

TEST_F(RunEventsTest, ARequestEndsWithAnAnswerOrAnErrorOrIsCancelled) {
  const auto outcome_of = [this](const Error* error) {
    Client client = this->client();
    client.listening->end(error);
    return client.stream->take().back().outcome;
  };
  const Error wrong = user_error(ErrorCode::kInvalidArgument, "wrong");
  const Error cancelled = user_error(ErrorCode::kCancelled, "cancelled");
  EXPECT_EQ(outcome_of(nullptr), trace::Outcome::kAnswered);
  EXPECT_EQ(outcome_of(&wrong), trace::Outcome::kFailed);
  EXPECT_EQ(outcome_of(&cancelled), trace::Outcome::kCancelled);
}

TEST_F(RunEventsTest, WhatIsRememberedIsToldAsMemoized) {
  world.leaves.set(1, 7);
  world.ask(graph, above(1), runs.begin(nullptr).value()->id());
  Client client = this->client();
  world.ask(graph, above(1), client.run->id());
  EXPECT_EQ(told(client),
            (Ran{"started 1<0 a test  ", "memoized (unchanged) 1 above(1) memoized"}));
}

TEST_F(RunEventsTest, APartOfASpanIsToldToWhomTheSpanIsTold) {
  slow = true;
  world.leaves.set(1, 6);
  Client client = this->client();
  Client other = this->client();
  Asked asked(world.executor, graph, above(1), client.run->id());
  world.executor.drain();
  told(client);
  told(other);
  EXPECT_EQ(events.begin_part(SpanId(), "wait", "waiting"), SpanId()) << "of what nobody hears of";
  EXPECT_EQ(events.begin_part(SpanId{4}, "wait", "waiting"), SpanId()) << "of what has ended";
  const SpanId wait = events.begin_part(SpanId{3}, "wait", "waiting");
  events.end_part(wait);
  events.end_part(wait);
  EXPECT_EQ(told(client), (Ran{"started 5<3 waiting  ", "completed 5<3 waiting  "}));
  EXPECT_TRUE(told(other).empty());
  const SpanId late = events.begin_part(SpanId{3}, "wait", "waiting");
  client.listening.reset();
  events.end_part(late);
  EXPECT_EQ(told(client), (Ran{"started 6<3 waiting  "})) << "nobody listens any more";
  door.open();
  world.executor.drain();
}

TEST_F(RunEventsTest, AReasonNamesTheInputThatChanged) {
  world.leaves.set(1, 6);
  world.ask(graph, above(1));
  world.set(graph, 1, 8);
  Client client = this->client();
  world.ask(graph, above(1), client.run->id());
  EXPECT_EQ(told(client),
            (Ran{"started 1<0 a test  ", "started 2<1 leaf(1) invalidated ",
                 "completed 2<1 leaf(1) invalidated ", "started 3<1 above(1) input changed leaf(1)",
                 "message 3 hello", "completed 3<1 above(1) input changed "}));
}

TEST_F(RunEventsTest, OnlyTheRunThatStartedANodeIsToldOfIt) {
  slow = true;
  world.leaves.set(1, 7);
  Client first = client(trace::Level::kDebug);
  Client second = client(trace::Level::kDebug);
  told(first);
  told(second);
  Asked by_first(world.executor, graph, above(1), first.run->id());
  Asked by_second(world.executor, graph, above(1), second.run->id());
  world.executor.drain();
  door.open();
  world.executor.drain();
  EXPECT_EQ(told(first),
            (Ran{"started 3<1 above(1) first run ", "message 3 hello",
                 "completed 4<3 leaf(1) first run odd", "completed 3<1 above(1) first run odd"}));
  EXPECT_EQ(told(second), (Ran{"memoized (joined) 2 above(1) memoized"}));
}

TEST_F(RunEventsTest, WhoJoinedAFailureIsToldOfTheError) {
  slow = true;
  world.leaves.set(1, -2);
  Client first = client(trace::Level::kDebug);
  Client second = client(trace::Level::kDebug);
  told(second);
  Asked by_first(world.executor, graph, above(1), first.run->id());
  Asked by_second(world.executor, graph, above(1), second.run->id());
  world.executor.drain();
  door.open();
  world.executor.drain();
  EXPECT_EQ(told(first).back(), "completed 3<1 above(1) first run negative");
  EXPECT_EQ(told(second), (Ran{"memoized (joined) 2 above(1) negative"}));
}

TEST_F(RunEventsTest, AValueMayMatterMoreThanItsNode) {
  world.leaves.set(1, 7);
  Client client = this->client(trace::Level::kWarn);
  world.ask(graph, above(1), client.run->id());
  EXPECT_EQ(told(client),
            (Ran{"completed 3<2 leaf(1) first run odd", "completed 2<1 above(1) first run odd"}));
}

TEST_F(RunEventsTest, NobodyIsToldOfARunThatNobodyListensTo) {
  Client client = this->client();
  // An id of the same remainder, so that the quick look does not tell them apart.
  world.ask(graph, above(1), RunId{client.run->id().value + 256});
  EXPECT_EQ(told(client), (Ran{"started 1<0 a test  "}));
}

TEST_F(RunEventsTest, ARunThatGoesOnUnderAnotherIdIsToldAsItself) {
  world.leaves.set(1, 6);
  Client client = this->client(trace::Level::kDebug);
  RunId id = client.run->id();
  for (const int value : {6, 8, 4}) {
    world.set(graph, 1, value);
    told(client);
    world.ask(graph, above(1), id);
    EXPECT_EQ(told(client).size(), 3u) << "started, hello, completed";
    id = client.run->renewed_id();
    events.renew(*client.run, id);
  }
  client.listening.reset();
  world.set(graph, 1, 2);
  world.ask(graph, above(1), id);
  EXPECT_TRUE(told(client).empty()) << "nobody listens any more";
}

TEST_F(RunEventsTest, WhatEndsAfterItsRunIsHeardByNobody) {
  slow = true;
  Client client = this->client();
  Asked asked(world.executor, graph, above(1), client.run->id());
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  const Error cancelled = user_error(ErrorCode::kCancelled, "cancelled");
  client.listening->end(&cancelled);
  client.listening.reset();
  door.open();
  world.executor.drain();
  EXPECT_EQ(told(client).back(), "completed 1<0 a test  cancelled");
}

}  // namespace
}  // namespace kiln::session
