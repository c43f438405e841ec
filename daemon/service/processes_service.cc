#include "daemon/service/processes_service.h"

#include "daemon/service/batch_call.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_channel.h"
#include "daemon/service/output_stream.h"

namespace kiln::service {

grpc::ServerWriteReactor<v1::ExecuteEvent>* ProcessesService::Execute(
    grpc::CallbackServerContext* context, const v1::ExecuteRequest* request) {
  return StreamCall<v1::ExecuteEvent>::start(
      host_.home, context, host_.begin_lending(request->caller(), *context),
      [this, request](const session::Run& run,
                      WriteQueue<v1::ExecuteEvent>& queue) -> Task<Result<void>> {
        KILN_CO_ASSIGN(session::ProcessSpec spec, process_from(request->process()));
        OutputStream output(queue);
        const session::ExecuteOptions options{.keep = keep_from(request->keep_sandboxes()),
                                              .write_outputs = request->write_outputs(),
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

}  // namespace kiln::service
