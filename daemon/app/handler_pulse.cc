#include "daemon/app/handler_pulse.h"

#include <chrono>
#include <utility>

namespace kiln::app {

namespace {

constexpr std::chrono::milliseconds kInterval{400};
constexpr std::chrono::seconds kPatience{5};
constexpr const char* kMethod = "/grpc.health.v1.Health/Check";

}  // namespace

HandlerPulse::HandlerPulse(grpc::Server& server) : stub_(server.InProcessChannel({})) { wait(); }

HandlerPulse::~HandlerPulse() {
  MutexLock lock(mutex_);
  closed_ = true;
  if (alarm_ != nullptr) alarm_->Cancel();
  ended_.wait(mutex_, [this]() KILN_REQUIRES(mutex_) { return !beating_; });
}

void HandlerPulse::wait() {
  {
    MutexLock lock(mutex_);
    if (!closed_) {
      // A new one: the callback of the last may not have returned yet.
      alarm_ = std::make_unique<grpc::Alarm>();
      alarm_->Set(std::chrono::system_clock::now() + kInterval,
                  [this](bool in_time) { in_time ? beat() : end(); });
      return;
    }
  }
  end();
}

void HandlerPulse::beat() {
  auto beat = std::make_shared<Beat>();
  beat->context.set_deadline(std::chrono::system_clock::now() + kPatience);
  stub_.UnaryCall(&beat->context, kMethod, {}, &beat->request, &beat->response,
                  [this, beat](const grpc::Status&) { wait(); });  // how it is does not matter
}

void HandlerPulse::end() {
  MutexLock lock(mutex_);
  beating_ = false;
  ended_.notify_all();
}

}  // namespace kiln::app
