#include "daemon/service/goals_service.h"

#include <absl/strings/str_join.h>

#include "common/ipc/wire_error.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_channel.h"
#include "daemon/service/interactive_offers.h"
#include "daemon/session/goals.h"

namespace kiln::service {

namespace {

using Queue = WriteQueue<v1::GoalEvent>;

session::GoalRequest goals_from(const v1::RunGoalsRequest& wire) {
  session::GoalRequest request;
  request.goals.assign(wire.goals().begin(), wire.goals().end());
  request.root = root_from(wire.caller());
  request.root.specs.assign(wire.specs().begin(), wire.specs().end());
  request.root.json = wire.json();
  request.root.working_directory = wire.working_directory();
  request.root.null_terminated = wire.null_terminated();
  return request;
}

RequestName name_of(const v1::RunGoalsRequest& wire) {
  std::string goals;
  for (const std::string& goal : wire.goals()) goals += (goals.empty() ? "" : " ") + goal;
  std::string all = goals;
  for (const std::string& spec : wire.specs()) all += " " + spec;
  return {std::move(goals), std::move(all)};
}

Task<Result<void>> send(Queue& queue, v1::GoalEvent event) {
  if (!co_await queue.send(std::move(event))) {
    co_return user_error(ErrorCode::kCancelled, "the client is gone");
  }
  co_return Result<void>();
}

// Below gRPC's limit for one message.
constexpr size_t kMostPrinted = size_t{1} << 20;

std::string cut(std::string& text) {
  std::string piece = text.substr(0, kMostPrinted);
  text.erase(0, kMostPrinted);
  return piece;
}

Task<Result<void>> print(Queue& queue, rules::Console::Text text) {
  while (!text.out.empty() || !text.err.empty()) {
    v1::GoalEvent event;
    event.mutable_output()->set_stdout(cut(text.out));
    event.mutable_output()->set_stderr(cut(text.err));
    KILN_CO_TRY(co_await send(queue, std::move(event)));
  }
  co_return Result<void>();
}

v1::GoalEvent finished(const Host& host, const session::GoalAnswer& answer) {
  v1::GoalEvent event;
  event.mutable_finished()->set_exit_code(answer.exit_code);
  host.set_clock(answer.clock, *event.mutable_finished()->mutable_clock());
  return event;
}

session::GoalClient client_of(const Host& host, const v1::RunGoalsRequest& wire, Queue& queue) {
  session::GoalClient client;
  if (wire.interactive()) {
    client.interact = [&host, &queue](session::InteractiveSpec spec, std::stop_token stop) {
      return host.offers.run(std::move(spec), std::move(stop), [&queue](uint64_t number) {
        v1::GoalEvent event;
        event.mutable_interactive()->set_offer(number);
        return send(queue, std::move(event));
      });
    };
  }
  client.print = [&queue](rules::Console::Text text) { return print(queue, std::move(text)); };
  client.finished = [&host, &queue](Result<session::GoalAnswer> answer) {
    v1::GoalEvent event;
    if (answer.ok()) {
      event = finished(host, *answer);
    } else {
      to_wire(bounded_in_message(answer.error()), *event.mutable_error());
    }
    return send(queue, std::move(event));
  };
  return client;
}

template <class T>
Task<Result<T>> told(const Host& host, const session::Run& run, const v1::RunGoalsRequest& wire,
                     Queue& queue, Task<Result<T>> work) {
  RequestName name = name_of(wire);
  host.runs.describe(run, std::string(head(name.description, kMostOfADescription)));
  return with_events(host, run, wire.events(), std::move(name), queue,
                     &v1::GoalEvent::mutable_progress, std::move(work));
}

}  // namespace

grpc::ServerUnaryReactor* GoalsService::List(Context*, const v1::ListGoalsRequest* request,
                                             v1::ListGoalsResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, response](const session::Run&) -> Task<Result<void>> {
                            for (const rules::Root& goal : host_.engine.rules.goals()) {
                              v1::ListGoalsResponse::Goal& wire = *response->add_goals();
                              wire.set_name(goal.name);
                              wire.set_summary(goal.supply.entry->rule.info.summary);
                            }
                            for (const auto& scope : host_.engine.rules.rules().option_scopes()) {
                              v1::ListGoalsResponse::Scope& wire = *response->add_scopes();
                              wire.set_name(std::string(scope.scope));
                              wire.set_summary(std::string(scope.summary));
                            }
                            co_return Result<void>();
                          });
}

GoalsService::Events* GoalsService::Run(Context* context, const v1::RunGoalsRequest* request) {
  return StreamCall<v1::GoalEvent>::start(
      host_.home, context, host_.begin_lending(*request, *context),
      [this, request](const session::Run& run, Queue& queue) -> Task<Result<void>> {
        const session::GoalClient client = client_of(host_, *request, queue);
        KILN_CO_ASSIGN(
            const session::GoalAnswer answer,
            co_await told(host_, run, *request, queue,
                          session::run_goals(host_.engine, run, goals_from(*request), client)));
        queue.push_last(finished(host_, answer));
        co_return Result<void>();
      });
}

GoalsService::Events* GoalsService::Watch(Context* context, const v1::RunGoalsRequest* request) {
  return StreamCall<v1::GoalEvent>::start(
      host_.home, context, host_.begin_lending(*request, *context),
      [this, request](const session::Run& run, Queue& queue) -> Task<Result<void>> {
        const session::GoalClient client = client_of(host_, *request, queue);
        co_return co_await told(
            host_, run, *request, queue,
            session::watch_goals(host_.engine, run, goals_from(*request), client));
      });
}

}  // namespace kiln::service
