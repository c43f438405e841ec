#include "daemon/service/processes_service.h"

#include "daemon/service/batch_call.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_channel.h"
#include "daemon/service/interactive_call.h"
#include "daemon/service/output_stream.h"

namespace kiln::service {

namespace {

// What a run does, for people.
std::string what_runs(std::string what, const std::string& description,
                      const std::vector<std::string>& argv) {
  if (!description.empty()) return std::string(head(what + " " + description, kMostOfADescription));
  for (const std::string& word : argv) what += " " + word;
  return std::string(head(what, kMostOfADescription));
}

}  // namespace

grpc::ServerWriteReactor<v1::ExecuteEvent>* ProcessesService::Execute(
    grpc::CallbackServerContext* context, const v1::ExecuteRequest* request) {
  return StreamCall<v1::ExecuteEvent>::start(
      host_.home, context, host_.begin_lending(*request, *context),
      [this, request](const session::Run& run,
                      WriteQueue<v1::ExecuteEvent>& queue) -> Task<Result<void>> {
        KILN_CO_ASSIGN(session::ProcessSpec spec, process_from(request->process()));
        host_.runs.describe(run, what_runs("exec", spec.description, spec.argv));
        OutputStream output(queue);
        const session::ExecuteOptions options{.keep = keep_from(request->keep_sandboxes()),
                                              .write_outputs = write_outputs_from(*request),
                                              .follower = &output,
                                              .deliver = [&](const session::Executed& executed) {
                                                return output.complete(host_.engine.store.blobs(),
                                                                       executed.result.result);
                                              }};
        RequestName name{"exec", spec.description};
        KILN_CO_ASSIGN(
            const session::Executed executed,
            co_await with_events(host_, run, request->events(), std::move(name), queue,
                                 &v1::ExecuteEvent::mutable_progress,
                                 session::execute(host_.engine, run, std::move(spec), options)));
        v1::ExecuteEvent event;
        set_result(executed, *event.mutable_finished());
        host_.set_clock(executed.clock, *event.mutable_finished()->mutable_clock());
        queue.push_last(std::move(event));
        co_return Result<void>();
      });
}

grpc::ServerBidiReactor<v1::ExecuteBatchRequest, v1::ExecuteBatchResponse>*
ProcessesService::ExecuteBatch(grpc::CallbackServerContext* context) {
  return new BatchCall(host_, *context);
}

grpc::ServerBidiReactor<v1::RunInteractiveRequest, v1::RunInteractiveResponse>*
ProcessesService::RunInteractive(grpc::CallbackServerContext* context) {
  return new InteractiveCall(host_, *context);
}

grpc::ServerUnaryReactor* ProcessesService::ExplainKey(grpc::CallbackServerContext*,
                                                       const v1::ExecuteRequest* request,
                                                       v1::KeyExplanation* response) {
  return UnaryCall::start(
      host_.home, host_.begin(*request),
      [this, request, response](const session::Run& run) -> Task<Result<void>> {
        KILN_CO_ASSIGN(session::ProcessSpec spec, process_from(request->process()));
        KILN_CO_ASSIGN(const session::KeyExplanation explanation,
                       co_await session::explain_key(host_.engine, run, std::move(spec)));
        set_explanation(explanation, *response);
        co_return Result<void>();
      });
}

}  // namespace kiln::service
