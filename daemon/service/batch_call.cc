#include "daemon/service/batch_call.h"

#include "common/ipc/wire_error.h"
#include "daemon/service/convert.h"

namespace kiln::service {

namespace {

// How much of a process's output comes with the result.
constexpr int64_t kInlineOutput = int64_t{64} << 10;

Result<std::string> head(store::BlobStore& blobs, const FileDigest& digest) {
  if (digest.empty()) return std::string();
  if (digest.size <= kInlineOutput) return blobs.get(digest);
  KILN_ASSIGN(const auto reader, blobs.reader(digest));
  return reader->next(kInlineOutput);
}

}  // namespace

BatchCall::BatchCall(const Host& host)
    : host_(host),
      queue_(
          host.home.executor,
          [this](const v1::ExecuteBatchResponse* response) { StartWrite(response); },
          [this](const grpc::Status& status) { Finish(status); }) {
  StartRead(&message_);
}

Result<void> BatchCall::prepare(const v1::ExecuteBatchRequest& request) {
  if (run_ != nullptr) return {};
  KILN_ASSIGN(run_, host_.begin(request.caller()));
  keep_ = request.keep_sandboxes();
  write_outputs_ = request.write_outputs();
  return {};
}

void BatchCall::OnReadDone(bool ok) {
  Result<void> prepared;
  if (ok) prepared = prepare(message_);
  if (!ok || !prepared.ok()) {
    state_.with([&](State& state) {
      state.reading = false;
      if (!prepared.ok()) state.refusal = prepared.error();
      ++state.in_flight;  // what part_ended() takes back
    });
    part_ended();
    return;
  }
  const bool more = state_.with([&](State& state) {
    ++state.in_flight;
    state.read_is_due = state.in_flight >= kMaxInFlight;
    return !state.read_is_due;
  });
  v1::ExecuteBatchRequest request;
  request.Swap(&message_);
  if (!host_.home.scope.spawn(host_.home.executor, work(std::move(request)))) {
    state_.with([](State& state) { state.refusal = session::shutting_down(); });
    part_ended();
  }
  if (more) StartRead(&message_);
}

void BatchCall::OnCancel() {
  if (run_ != nullptr) run_->cancel();
  queue_.abandon();
}

Task<void> BatchCall::work(v1::ExecuteBatchRequest request) {
  v1::ExecuteBatchResponse response;
  response.set_id(request.id());
  const Result<void> result = co_await answer(request, response);
  if (!result.ok()) to_wire(result.error(), *response.mutable_error());
  co_await queue_.room();
  queue_.push(std::move(response));
  part_ended();
}

Task<Result<void>> BatchCall::answer(const v1::ExecuteBatchRequest& request,
                                     v1::ExecuteBatchResponse& response) {
  KILN_CO_ASSIGN(session::ProcessSpec spec, process_from(request.process()));
  const auto deliver = [this, &response](const session::Executed& executed) -> Task<Result<void>> {
    store::BlobStore& blobs = host_.engine.store.blobs();
    const store::ActionResult& result = executed.result.result;
    KILN_CO_ASSIGN(*response.mutable_stdout(), head(blobs, result.stdout_digest));
    KILN_CO_ASSIGN(*response.mutable_stderr(), head(blobs, result.stderr_digest));
    co_return Result<void>();
  };
  KILN_CO_ASSIGN(
      const session::Executed executed,
      co_await session::execute(
          host_.engine, *run_, std::move(spec),
          {.keep = keep_from(keep_), .write_outputs = write_outputs_, .deliver = deliver}));
  set_result(executed, *response.mutable_result());
  host_.set_clock(executed.clock, *response.mutable_result()->mutable_clock());
  co_return Result<void>();
}

void BatchCall::part_ended() {
  bool read = false;
  bool done = false;
  std::optional<Error> refusal;
  state_.with([&](State& state) {
    --state.in_flight;
    if (state.reading && state.read_is_due) {
      state.read_is_due = false;
      read = true;
    }
    done = !state.reading && state.in_flight == 0;
    refusal = state.refusal;
  });
  if (read) StartRead(&message_);
  if (done) {
    run_.reset();
    queue_.finish(refusal ? to_refusal(*refusal) : grpc::Status::OK);
  }
}

}  // namespace kiln::service
