#include "daemon/service/interactive_call.h"

#include "common/ipc/wire_error.h"
#include "daemon/service/convert.h"

namespace kiln::service {

InteractiveCall::InteractiveCall(const Host& host, grpc::CallbackServerContext& context)
    : host_(host),
      context_(context),
      queue_(
          host.home.executor,
          [this](const v1::RunInteractiveResponse* response) { StartWrite(response); },
          [this](const v1::RunInteractiveResponse* last, const grpc::Status& status) {
            last == nullptr ? Finish(status) : StartWriteAndFinish(last, {}, status);
          }) {
  StartRead(&message_);
}

void InteractiveCall::OnReadDone(bool ok) {
  if (!ok) {
    if (!begun_) {
      give_up(user_error(ErrorCode::kInvalidArgument, "the first message has to be `begin`"));
    } else if (const auto run = state_.with([](const State& state) { return state.run; })) {
      // After `ended` the run has its answer, and this changes nothing.
      run->cancel();
    }
    return;
  }
  const bool first = !begun_;
  const Result<void> done = first ? begin(message_) : take(message_);
  if (!done.ok()) {
    if (first) return give_up(done.error());
    if (const auto run = state_.with([](const State& state) { return state.run; })) run->cancel();
    return;
  }
  if (message_.message_case() != v1::RunInteractiveRequest::kEnded) StartRead(&message_);
}

Result<void> InteractiveCall::begin(const v1::RunInteractiveRequest& message) {
  if (!message.has_begin()) {
    return user_error(ErrorCode::kInvalidArgument, "the first message has to be `begin`");
  }
  KILN_ASSIGN(session::InteractiveSpec spec, spec_of(message.begin()));
  inherit_env_ = spec.inherit_env;
  KILN_ASSIGN(const auto run, host_.begin_for(message, message.begin().caller()));
  cancelled_.emplace(run->token(), [this] {
    if (queue_.abandon()) context_.TryCancel();
  });
  const bool gone = state_.with([&](State& state) {
    state.run = run;
    return state.gone;
  });
  if (gone) run->cancel();
  if (offer_ != nullptr) unwanted_.emplace(offer_->stop, [run] { run->cancel(); });
  auto working = [this, spec = std::move(spec)]() mutable { return drive(std::move(spec)); };
  if (!host_.home.scope.spawn(host_.home.executor, std::move(working))) {
    return session::shutting_down();
  }
  begun_ = true;
  return {};
}

Result<session::InteractiveSpec> InteractiveCall::spec_of(
    const v1::RunInteractiveRequest::Begin& begin) {
  if (begin.offer() != 0) {
    offer_ = host_.offers.claim(begin.offer());
    if (offer_ != nullptr) return offer_->spec;
    return user_error(ErrorCode::kNotFound, "no goal offers the interactive process " +
                                                std::to_string(begin.offer()) + " any more");
  }
  const v1::InteractiveProcess& wire = begin.process();
  session::InteractiveSpec spec;
  KILN_ASSIGN(spec.process, process_from(wire.process()));
  spec.run_in_workspace = wire.run_in_workspace();
  spec.inherit_env = wire.inherit_env();
  spec.restartable = wire.restartable();
  return spec;
}

Result<void> InteractiveCall::take(const v1::RunInteractiveRequest& message) {
  switch (message.message_case()) {
    case v1::RunInteractiveRequest::kStarted:
      replies_.put(std::nullopt);
      return {};
    case v1::RunInteractiveRequest::kEnded:
      replies_.put(message.ended().has_error() ? Result<int>(from_wire(message.ended().error()))
                                               : Result<int>(message.ended().exit_code()));
      return {};
    default:
      return user_error(ErrorCode::kInvalidArgument, "a reply is `started` or `ended`");
  }
}

Task<void> InteractiveCall::drive(session::InteractiveSpec spec) {
  auto run = state_.with([](const State& state) { return state.run; });
  const session::InteractiveClient client{
      [this](const exec::InteractivePlace& place) { return send(place); }, replies_};
  const Result<int> ended = co_await session::run_interactive(host_.engine, *run, host_.interactive,
                                                              std::move(spec), client);
  finish_offer(ended);
  state_.with([](State& state) { state.run = nullptr; });
  run.reset();  // the call's end is the run's
  queue_.finish(to_status(ended.ok() ? Result<void>() : Result<void>(ended.error())));
}

Task<Result<void>> InteractiveCall::send(const exec::InteractivePlace& place) {
  v1::RunInteractiveResponse response;
  v1::RunInteractiveResponse::Start& start = *response.mutable_start();
  for (const std::string& argument : place.argv()) start.add_argv(argument);
  start.mutable_env()->insert(place.env().begin(), place.env().end());
  start.set_directory(place.directory());
  start.set_tag(place.tag());
  start.set_inherit_env(inherit_env_);
  if (co_await queue_.send(std::move(response))) co_return Result<void>();
  co_return user_error(ErrorCode::kCancelled, "the client has disconnected");
}

void InteractiveCall::OnCancel() {
  const auto run = state_.with([](State& state) {
    state.gone = true;
    return state.run;
  });
  queue_.abandon();
  if (run != nullptr) run->cancel();
}

void InteractiveCall::finish_offer(Result<int> ended) {
  unwanted_.reset();
  if (offer_ != nullptr) offer_->done.set(std::move(ended));
  offer_ = nullptr;
}

void InteractiveCall::give_up(const Error& error) {
  finish_offer(error);
  state_.with([](State& state) { state.run = nullptr; });
  queue_.finish(to_refusal(error));
}

}  // namespace kiln::service
