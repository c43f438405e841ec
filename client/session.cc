#include "client/session.h"

#include "client/h2_transport.h"
#include "common/base/version.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln {

namespace {

constexpr int kAttempts = 4;
// How long a daemon that refused a call gets to end before its successor is looked for.
constexpr int kDepartureMilliseconds = 5000;

Result<v1::StatusResponse> status_of(Transport& transport) {
  v1::StatusResponse status;
  SingleRequest request(v1::StatusRequest().SerializeAsString());
  KILN_TRY(transport.call("/kiln.v1.Daemon/Status", request, [&status](std::string_view bytes) {
    return parse_message(bytes, status);
  }));
  return status;
}

Result<void> send_stop(Transport& transport, bool force) {
  v1::StopRequest stop;
  stop.set_force(force);
  SingleRequest request(stop.SerializeAsString());
  auto stopped = transport.call("/kiln.v1.Daemon/Stop", request,
                                [](std::string_view) { return Result<void>(); });
  // A daemon that ends before its answer is out has done what it was asked.
  if (!stopped.ok() && stopped.error().code() != ErrorCode::kUnavailable) return stopped;
  return {};
}

}  // namespace

Session::Session(DaemonPaths paths, Console& console, Interrupt& interrupt)
    : paths_(std::move(paths)), console_(console), interrupt_(interrupt) {}

Result<void> Session::connect() {
  if (transport_) return {};
  interrupt_.arm();
  KILN_ASSIGN(DaemonConnection connection, find_or_start_daemon(paths_, interrupt_));
  daemon_pid_ = connection.pid;
  transport_ = std::make_unique<H2Transport>(std::move(connection.socket), interrupt_);
  transport_->set_ticker(ticker_, tick_milliseconds_);
  return {};
}

Result<void> Session::call_once(std::string_view method, RequestSource& requests,
                                const OnMessage& on_message) {
  KILN_TRY(connect());
  auto result = transport_->call(method, requests, on_message);
  if (result.ok()) return {};
  const Error& error = result.error();
  if (error.code() == ErrorCode::kUnavailable && error.blame() == Blame::kEnvironment) {
    return with_log(error.with_context("while it worked on " + std::string(method.substr(1))),
                    paths_);
  }
  return error;
}

Result<void> Session::server_stream(std::string_view method,
                                    const google::protobuf::MessageLite& request,
                                    const OnMessage& on_message) {
  const std::string bytes = request.SerializeAsString();
  for (int attempt = 1;; ++attempt) {
    SingleRequest source(bytes);
    auto result = call_once(method, source, on_message);
    if (result.ok()) return {};
    if (result.error().code() == ErrorCode::kVersionSkew && !replaced_) {
      KILN_TRY(replace_daemon());
    } else if (transport_ && transport_->refused() && attempt < kAttempts) {
      transport_.reset();
      KILN_TRY(wait_for_exit(daemon_pid_, interrupt_, kDepartureMilliseconds));
    } else {
      return result;
    }
  }
}

Result<void> Session::unary(std::string_view method, const google::protobuf::MessageLite& request,
                            google::protobuf::MessageLite& response) {
  bool answered = false;
  KILN_TRY(server_stream(method, request, [&](std::string_view bytes) {
    answered = true;
    return parse_message(bytes, response);
  }));
  if (!answered) return internal_error("the daemon sent no answer to " + std::string(method));
  return {};
}

Result<void> Session::bidirectional(std::string_view method, RequestSource& requests,
                                    const OnMessage& on_message) {
  KILN_TRY(compare_versions());
  return call_once(method, requests, on_message);
}

Result<void> Session::compare_versions() {
  v1::StatusResponse status;
  KILN_TRY(unary("/kiln.v1.Daemon/Status", v1::StatusRequest(), status));
  if (status.version() == kiln::version() || replaced_) return {};
  return replace_daemon();
}

// Over the connection that is there: by the time of another one, somebody else may have replaced
// the daemon already.
Result<void> Session::replace_daemon() {
  KILN_TRY(connect());
  KILN_ASSIGN(const v1::StatusResponse status, status_of(*transport_));
  replaced_ = true;
  console_.say("the running daemon is of version " + status.version() +
               ", this client of version " + std::string(kiln::version()) +
               "; it is replaced as soon as its work is done");
  KILN_TRY(send_stop(*transport_, false));
  transport_.reset();
  KILN_TRY(wait_for_exit(daemon_pid_, interrupt_, -1));
  return {};
}

void Session::set_ticker(std::function<void()> ticker, int milliseconds) {
  ticker_ = std::move(ticker);
  tick_milliseconds_ = milliseconds;
  if (transport_) transport_->set_ticker(ticker_, tick_milliseconds_);
}

Result<void> parse_message(std::string_view bytes, google::protobuf::MessageLite& message) {
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return internal_error("the daemon's answer cannot be read as " + message.GetTypeName());
}

Result<void> stop_daemon(DaemonConnection connection, bool force, Interrupt& interrupt) {
  {
    H2Transport transport(std::move(connection.socket), interrupt);
    KILN_TRY(send_stop(transport, force));
  }  // closes the connection, which the daemon may be waiting for
  KILN_TRY(wait_for_exit(connection.pid, interrupt, -1));
  return {};
}

}  // namespace kiln
