#include "daemon/app/turnstile.h"

#include <grpcpp/server_posix.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/service/call.h"

namespace kiln::app {

namespace {

// Kept free of clients; of a low limit no more than a third.
constexpr uint64_t kKept = 256;
// Of those, for the refusal of newcomers.
constexpr uint64_t kForRefusals = 12;
constexpr int kRefusedMilliseconds = 1000;

uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

uint64_t kept(uint64_t limit) { return std::min(kKept, limit / 3); }

// Answers every call in the same way.
class Refuser final : public grpc::CallbackGenericService {
 public:
  explicit Refuser(grpc::Status status) : status_(std::move(status)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Refusal(const grpc::Status& status) { Finish(status); }
      void OnDone() override { delete this; }
    };
    return new Refusal(status_);
  }

 private:
  const grpc::Status status_;
};

}  // namespace

Turnstile::Turnstile()
    : limit_(descriptor_limit()),
      message_(
          "the daemon has no file descriptors left for further clients: others hold their "
          "connections open, and its limit is " +
          std::to_string(limit_) +
          " (ulimit -Hn where it was started)\n  end some of them, or restart the daemon "
          "where the limit is higher") {}

Turnstile::~Turnstile() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

Turnstile::Room Turnstile::room_for(int fd) const {
  const uint64_t left = limit_ - std::min(limit_, static_cast<uint64_t>(fd) + 1);
  if (left >= kept(limit_)) return Room::kEnough;
  return left + kForRefusals >= kept(limit_) ? Room::kToRefuse : Room::kNone;
}

void Turnstile::refuse(int fd) {
  if (server_ == nullptr) {
    service_ = std::make_unique<Refuser>(
        service::to_refusal(environment_error(ErrorCode::kUnavailable, message_)));
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kRefusedMilliseconds);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kRefusedMilliseconds);
    builder.RegisterCallbackGenericService(service_.get());
    server_ = builder.BuildAndStart();
  }
  if (server_ == nullptr) {
    ::close(fd);
    return;
  }
  grpc::AddInsecureChannelFromFd(server_.get(), fd);
}

}  // namespace kiln::app
