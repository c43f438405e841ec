#include "client/session.h"

#include <charconv>

#include "client/h2_transport.h"
#include "client/lent_view.h"
#include "client/repeatable.h"
#include "common/base/version.h"

namespace kiln {

namespace {

constexpr int kMostRefusals = 4;
// How long a daemon that dies gets to be gone before its successor is looked for.
constexpr int kDepartureMilliseconds = 5000;
// What takes no longer than this is not worth a word.
constexpr int kQuietMilliseconds = 700;
// A daemon that is told to stop by force and says nothing for so long is killed.
constexpr std::chrono::milliseconds kForcePatience{3000};
constexpr int kBidirectionalCaller = 1;

// KILN_DAEMON_TIMEOUT: how long a daemon may give no sign of life.
Result<Silence::Limits> silence_limits() {
  Silence::Limits limits;
  const auto text = process_environment()("KILN_DAEMON_TIMEOUT");
  if (!text || text->empty()) return limits;
  int64_t seconds = 0;
  const char* const end = text->data() + text->size();
  const auto [after, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc() || after != end || seconds < 0 || seconds > INT32_MAX / 1000) {
    return user_error(
        ErrorCode::kInvalidArgument,
        "KILN_DAEMON_TIMEOUT='" + *text + "' is not a whole number of seconds; 0 is no limit");
  }
  limits.give_up = std::chrono::seconds(seconds);
  return limits;
}

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
  if (!stopped.ok() && !transport.lost()) return stopped;
  return {};
}

// One that says so when the daemon gives no sign of life.
std::unique_ptr<Transport> make_transport(DaemonConnection connection, Silence::Limits limits,
                                          Console& console, Interrupt& interrupt) {
  auto transport = std::make_unique<H2Transport>(std::move(connection.socket), interrupt, limits);
  transport->set_on_silence([&console, pid = connection.pid] {
    const std::string state = process_state(pid);
    console.say("the daemon, " + daemon_name(pid) + ", does not answer" +
                (state.empty() ? "" : " (" + state + ")") + "; waiting for it, Ctrl-C gives up");
  });
  return transport;
}

// Adds to the first message of another source what this process sees of the workspace.
class WithView final : public RequestSource {
 public:
  WithView(RequestSource& source, int caller_field)
      : source_(source), caller_field_(caller_field) {}

  Result<Pull> pull(std::string& message) override {
    KILN_ASSIGN(const Pull pulled, source_.pull(message));
    if (pulled == Pull::kMessage && first_) {
      KILN_TRY(lend_view(caller_field_, message));
      first_ = false;
    }
    return pulled;
  }
  int wait_fd() const override { return source_.wait_fd(); }

 private:
  RequestSource& source_;
  const int caller_field_;
  bool first_ = true;
};

}  // namespace

Session::Session(DaemonPaths paths, Console& console, Interrupt& interrupt)
    : paths_(std::move(paths)), console_(console), interrupt_(interrupt) {}

Result<void> Session::connect() {
  if (transport_ && !transport_->lost()) return {};
  interrupt_.arm();
  KILN_ASSIGN(const Silence::Limits limits, silence_limits());
  KILN_ASSIGN(DaemonConnection connection, find_or_start_daemon(paths_, interrupt_));
  daemon_pid_ = connection.pid;
  same_view_ = shares_mount_namespace(daemon_pid_);
  transport_ = make_transport(std::move(connection), limits, console_, interrupt_);
  transport_->set_ticker(ticker_, tick_milliseconds_);
  return {};
}

Result<void> Session::call_once(std::string_view method, int caller_field, RequestSource& requests,
                                const OnMessage& on_message) {
  KILN_TRY(connect());
  WithView with_view(requests, caller_field);
  RequestSource& source = same_view_ || caller_field == 0 ? requests : with_view;
  auto result = transport_->call(method, source, on_message);
  if (result.ok()) return {};
  const Error& error = result.error();
  if (error.code() == ErrorCode::kUnavailable && error.blame() == Blame::kEnvironment) {
    return with_log(error.with_context("while it worked on " + std::string(method.substr(1))),
                    paths_);
  }
  return error;
}

Result<void> Session::call(std::string_view method, int caller_field, RequestSource& requests,
                           const OnMessage& on_message) {
  size_t handed_on = 0;
  for (;;) {
    size_t seen = 0;
    const OnMessage counted = [&](std::string_view message) -> Result<void> {
      if (seen++ < handed_on) return {};
      ++handed_on;
      return on_message(message);
    };
    auto result = call_once(method, caller_field, requests, counted);
    if (result.ok() || !transport_ || !requests.rewind()) return result;
    KILN_ASSIGN(const bool again, prepare_again(method, result.error(), handed_on));
    if (!again) return result;
  }
}

Result<bool> Session::prepare_again(std::string_view method, const Error& error, size_t handed_on) {
  if (error.code() == ErrorCode::kVersionSkew && !replaced_) {
    KILN_TRY(replace_daemon());
    return true;
  }
  if (transport_->refused() && ++refusals_ < kMostRefusals) {
    transport_.reset();
    return await_successor();
  }
  if (!transport_->lost() || repeated_) return false;
  const Repeatable how = repeatable(method);
  if (how == Repeatable::kNever || (how == Repeatable::kIfUnheard && handed_on > 0)) return false;
  repeated_ = true;
  transport_.reset();
  KILN_TRY(wait_for_end(daemon_pid_, paths_, interrupt_, kDepartureMilliseconds));
  return true;
}

// After a refusal: waits for the end of a daemon that is ending. False: it is not ending, and
// refuses for another reason.
Result<bool> Session::await_successor() {
  KILN_ASSIGN(const bool ended, wait_for_end(daemon_pid_, paths_, interrupt_, kQuietMilliseconds));
  if (ended) return true;
  KILN_ASSIGN(auto connection, find_daemon(paths_, interrupt_));
  if (!connection) {
    KILN_TRY(wait_for_end(daemon_pid_, paths_, interrupt_, kDepartureMilliseconds));
    return true;
  }
  if (connection->pid != daemon_pid_) return true;
  const auto status = ask_status(*std::move(connection), console_, interrupt_);
  if (!status.ok()) return false;
  if (!status->refusing()) return true;
  if (runs_below(daemon_pid_)) {
    return environment_error(ErrorCode::kUnavailable,
                             "the daemon is stopping and takes no more requests; this command runs "
                             "in a process that the daemon waits for, so it does not wait");
  }
  KILN_TRY(await_end(daemon_pid_, paths_, "this command waits for the next daemon", console_,
                     interrupt_));
  return true;
}

Result<void> Session::server_stream(std::string_view method,
                                    const google::protobuf::Message& request,
                                    const OnMessage& on_message) {
  const auto* caller = request.GetDescriptor()->FindFieldByName("caller");
  SingleRequest source(request.SerializeAsString());
  return call(method, caller == nullptr ? 0 : caller->number(), source, on_message);
}

Result<void> Session::unary(std::string_view method, const google::protobuf::Message& request,
                            google::protobuf::Message& response) {
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
  return call(method, kBidirectionalCaller, requests, on_message);
}

Result<void> Session::compare_versions() {
  v1::StatusResponse status;
  KILN_TRY(unary("/kiln.v1.Daemon/Status", v1::StatusRequest(), status));
  if (status.refusing()) {
    transport_.reset();
    KILN_TRY(await_successor());
    KILN_TRY(unary("/kiln.v1.Daemon/Status", v1::StatusRequest(), status));
  }
  if (status.version() == kiln::version() || replaced_) return {};
  return replace_daemon();
}

// Over the connection that is there: by the time of another one, somebody else may have replaced
// the daemon already.
Result<void> Session::replace_daemon() {
  KILN_TRY(connect());
  KILN_ASSIGN(const v1::StatusResponse status, status_of(*transport_));
  replaced_ = true;
  const std::string running = running_text(status);
  console_.say("the running daemon is of version " + status.version() +
               ", this client of version " + std::string(kiln::version()) +
               "; it is replaced as soon as its work is done" +
               (running.empty() ? "" : ": " + running));
  KILN_TRY(send_stop(*transport_, false));
  transport_.reset();
  KILN_TRY(wait_for_end(daemon_pid_, paths_, interrupt_, -1));
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

Result<v1::StatusResponse> ask_status(DaemonConnection connection, Console& console,
                                      Interrupt& interrupt) {
  KILN_ASSIGN(const Silence::Limits limits, silence_limits());
  return status_of(*make_transport(std::move(connection), limits, console, interrupt));
}

std::string running_text(const v1::StatusResponse& status) {
  if (status.running().empty()) return "";
  const uint64_t others = status.runs_in_flight() - std::min<uint64_t>(status.runs_in_flight(), 1);
  return status.running(0) + (others == 0 ? "" : " (and " + std::to_string(others) + " more)");
}

Result<void> await_end(pid_t pid, const DaemonPaths& paths, std::string_view then, Console& console,
                       Interrupt& interrupt) {
  KILN_ASSIGN(const bool quick, wait_for_end(pid, paths, interrupt, kQuietMilliseconds));
  if (quick) return {};
  std::string running;
  auto connection = find_daemon(paths, interrupt);
  if (connection.ok() && *connection && (*connection)->pid == pid) {
    const auto status = ask_status(**std::move(connection), console, interrupt);
    if (status.ok()) running = running_text(*status);
  }
  if (interrupt.signal() != 0) return interrupted_error();
  console.say("the daemon, " + daemon_name(pid) + ", is stopping and finishes its work first" +
              (running.empty() ? "" : ": " + running) + "; " + std::string(then) +
              " (kiln daemon stop --force ends it at once)");
  KILN_TRY(wait_for_end(pid, paths, interrupt, -1));
  return {};
}

Result<void> stop_daemon(DaemonConnection connection, const DaemonPaths& paths, bool force,
                         Console& console, Interrupt& interrupt) {
  const pid_t pid = connection.pid;
  KILN_ASSIGN(Silence::Limits limits, silence_limits());
  if (force) limits = {kForcePatience / 3, kForcePatience / 3, kForcePatience};
  {
    const auto transport = make_transport(std::move(connection), limits, console, interrupt);
    const auto sent = send_stop(*transport, force);
    const bool silent = !sent.ok() && sent.error().code() == ErrorCode::kUnavailable;
    if (!sent.ok() && !(silent && force && pid > 0)) return sent;
    if (silent) {
      console.say("the daemon, " + daemon_name(pid) + ", does not answer and is killed");
      KILN_TRY(kill_daemon(pid));
    }
  }  // closes the connection, which the daemon may be waiting for
  if (force) {
    KILN_TRY(wait_for_end(pid, paths, interrupt, -1));
    return {};
  }
  return await_end(pid, paths, "this command waits for that", console, interrupt);
}

}  // namespace kiln
