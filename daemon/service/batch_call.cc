#include "daemon/service/batch_call.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/ipc/wire_error.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"
#include "daemon/service/request_check.h"

namespace kiln::service {

namespace {

// How much of a process's output comes with the result.
constexpr int64_t kInlineOutput = int64_t{64} << 10;

Result<std::string> inline_part(store::BlobStore& blobs, const FileDigest& digest) {
  if (digest.empty()) return std::string();
  if (digest.size <= kInlineOutput) return blobs.get(digest);
  KILN_ASSIGN(const auto reader, blobs.reader(digest));
  return reader->next(kInlineOutput);
}

}  // namespace

BatchCall::BatchCall(const Host& host, grpc::CallbackServerContext& context)
    : host_(host),
      context_(context),
      queue_(
          host.home.executor,
          [this](const v1::ExecuteBatchResponse* response) { StartWrite(response); },
          [this](const v1::ExecuteBatchResponse* last, const grpc::Status& status) {
            last == nullptr ? Finish(status) : StartWriteAndFinish(last, {}, status);
          }) {
  StartRead(&message_);
}

Result<std::shared_ptr<session::Run>> BatchCall::prepare(const v1::ExecuteBatchRequest& request) {
  if (auto run = state_.with([](const State& state) { return state.run; })) return run;
  KILN_ASSIGN(const auto run, host_.begin_lending(request, context_));
  host_.runs.describe(*run, "exec --batch");
  KILN_TRY(tell(*run, request.events()));
  keep_ = request.keep_sandboxes();
  write_outputs_ = write_outputs_from(request);
  away_.emplace(*run);
  cancelled_.emplace(run->token(), [this] {
    queue_.abandon();
    context_.TryCancel();
  });
  const bool gone = state_.with([&](State& state) {
    state.run = run;
    return state.gone;
  });
  if (gone) run->cancel();
  return run;
}

Result<void> BatchCall::tell(const session::Run& run, v1::Event::Level level) {
  KILN_ASSIGN(std::shared_ptr<Telling> telling,
              Telling::begin(host_, run, level, {"exec", "exec --batch"}));
  if (telling == nullptr) return {};
  state_.with([&](State& state) {
    state.telling = telling;
    ++state.in_flight;
  });
  auto sending = [this, telling]() mutable { return send_events(std::move(telling)); };
  if (host_.home.scope.spawn(host_.home.executor, std::move(sending))) return {};
  state_.with([](State& state) {
    state.telling = nullptr;
    --state.in_flight;
  });
  return session::shutting_down();
}

Task<void> BatchCall::send_events(std::shared_ptr<Telling> telling) {
  // A client that is gone is told nothing, nor of that.
  (void)co_await telling->channel().send_to(queue_, &v1::ExecuteBatchResponse::mutable_progress);
  state_.with([](State& state) { state.telling = nullptr; });
  telling.reset();
  part_ended();
}

void BatchCall::OnReadDone(bool ok) {
  if (!ok) return stop_reading(std::nullopt);
  auto run = prepare(message_);
  if (!run.ok()) return stop_reading(run.error());
  v1::ExecuteBatchRequest request;
  request.Swap(&message_);
  if (request.cancel()) {
    cancel_item(request.id());
    return StartRead(&message_);
  }
  const bool held = state_.with([&](State& state) {
    if (state.in_flight < kMaxInFlight) return false;
    state.held.emplace(std::move(request));
    return true;
  });
  if (held) return;
  begin_work(*std::move(run), std::move(request));
  StartRead(&message_);
}

void BatchCall::begin_work(std::shared_ptr<session::Run> run, v1::ExecuteBatchRequest request) {
  // A run of its own: a stream may be open for days, and each process sees the files as they are
  // when it is sent.
  std::shared_ptr<session::Run> part = host_.runs.begin_part(*run);
  state_.with([&](State& state) {
    ++state.in_flight;
    state.items.emplace(request.id(), part);
  });
  const uint64_t id = request.id();
  auto working = [this, run = std::move(run), part, request = std::move(request)]() mutable {
    return work(std::move(run), std::move(part), std::move(request));
  };
  if (host_.home.scope.spawn(host_.home.executor, std::move(working))) return;
  forget_item(id, part);
  state_.with([](State& state) { state.refusal = session::shutting_down(); });
  part_ended();
}

void BatchCall::forget_item(uint64_t id, const std::shared_ptr<session::Run>& item) {
  state_.with([&](State& state) {
    const auto [first, last] = state.items.equal_range(id);
    state.items.erase(std::find_if(first, last, [&](const auto& i) { return i.second == item; }));
  });
}

void BatchCall::cancel_item(uint64_t id) {
  std::vector<std::shared_ptr<session::Run>> items;
  state_.with([&](const State& state) {
    const auto [first, last] = state.items.equal_range(id);
    for (auto item = first; item != last; ++item) items.push_back(item->second);
  });
  for (const auto& item : items) item->cancel();  // what hears of it may end here and now
}

void BatchCall::stop_reading(std::optional<Error> refusal) {
  state_.with([&](State& state) {
    state.reading = false;
    state.refusal = std::move(refusal);
    ++state.in_flight;  // what part_ended() takes back
  });
  part_ended();
}

void BatchCall::OnCancel() {
  const auto run = state_.with([](State& state) {
    state.gone = true;
    return state.run;
  });
  queue_.abandon();
  if (run != nullptr) run->cancel();
}

Task<void> BatchCall::work(std::shared_ptr<session::Run> run, std::shared_ptr<session::Run> part,
                           v1::ExecuteBatchRequest request) {
  v1::ExecuteBatchResponse response;
  response.set_id(request.id());
  host_.engine.events.join(*run, part->id());
  const Result<void> result = co_await answer(*part, request, response);
  host_.engine.events.leave(part->id());
  forget_item(request.id(), part);
  part.reset();
  if (!result.ok()) to_wire(bounded_in_message(result.error()), *response.mutable_error());
  co_await queue_.send(std::move(response));
  run.reset();  // the call's end is the run's
  part_ended();
}

Task<Result<void>> BatchCall::answer(const session::Run& run,
                                     const v1::ExecuteBatchRequest& request,
                                     v1::ExecuteBatchResponse& response) {
  KILN_CO_TRY(check_values(request));
  KILN_CO_ASSIGN(session::ProcessSpec spec, process_from(request.process()));
  const auto deliver = [this, &response](const session::Executed& executed) -> Task<Result<void>> {
    store::BlobStore& blobs = host_.engine.store.blobs();
    const store::ActionResult& result = executed.result.result;
    KILN_CO_ASSIGN(*response.mutable_stdout(), inline_part(blobs, result.stdout_digest));
    KILN_CO_ASSIGN(*response.mutable_stderr(), inline_part(blobs, result.stderr_digest));
    co_return Result<void>();
  };
  KILN_CO_ASSIGN(
      const session::Executed executed,
      co_await session::execute(
          host_.engine, run, std::move(spec),
          {.keep = keep_from(keep_), .write_outputs = write_outputs_, .deliver = deliver}));
  set_result(executed, *response.mutable_result());
  host_.set_clock(executed.clock, *response.mutable_result()->mutable_clock());
  co_return Result<void>();
}

void BatchCall::part_ended() {
  std::optional<v1::ExecuteBatchRequest> held;
  bool done = false;
  std::shared_ptr<Telling> told;  // to its end: the teller is the last
  std::optional<Error> refusal;
  std::shared_ptr<session::Run> run;
  state_.with([&](State& state) {
    --state.in_flight;
    if (state.reading) {
      held = std::exchange(state.held, std::nullopt);
      run = state.run;
      return;
    }
    refusal = state.refusal;
    if (state.in_flight == 1) told = state.telling;
    done = state.in_flight == 0;
    if (done) run = std::move(state.run);
  });
  if (held) {
    begin_work(std::move(run), *std::move(held));
    StartRead(&message_);
    return;
  }
  if (told != nullptr) told->end(refusal ? &*refusal : nullptr);
  if (done) {
    away_.reset();
    // With a run, items before the refused one may have been begun.
    const bool begun = run != nullptr;
    run.reset();
    if (!refusal) return queue_.finish(grpc::Status::OK);
    queue_.finish(begun ? to_status(*refusal) : to_refusal(*refusal));
  }
}

}  // namespace kiln::service
