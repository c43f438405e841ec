// Session: calls to the daemon as one command makes them.
//
// What:   finds or starts the daemon at the first call. Repeats a call that the daemon says it has
//         not begun, and once a call without effects (repeatable.h) when the daemon dies under it.
//         Settles version skew: a daemon of another version is asked to stop (which it does when
//         its work is done), and this client's own one takes the call. Says whom it waits for, and
//         why, when that takes long; and sends what this process sees of the workspace to a daemon
//         in another mount namespace.
// Threads: single-owner. Blocks.
// Fails:   with the daemon's error, or `unavailable` naming the daemon's log.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "client/console.h"
#include "client/daemon_starter.h"
#include "client/transport.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln {

class Session {
 public:
  // `console` and `interrupt` outlive the session.
  Session(DaemonPaths paths, Console& console, Interrupt& interrupt);

  const DaemonPaths& paths() const { return paths_; }
  Interrupt& interrupt() { return interrupt_; }

  // One message there, one back.
  Result<void> unary(std::string_view method, const google::protobuf::Message& request,
                     google::protobuf::Message& response);
  // One message there, any number back.
  Result<void> server_stream(std::string_view method, const google::protobuf::Message& request,
                             const OnMessage& on_message);
  // Messages both ways; the first one there has its Caller in field 1. Versions are compared
  // before, since not every source can begin again.
  Result<void> bidirectional(std::string_view method, RequestSource& requests,
                             const OnMessage& on_message);

  // See Transport.
  void set_ticker(std::function<void()> ticker, int milliseconds);

 private:
  Result<void> connect();
  Result<void> call(std::string_view method, int caller_field, RequestSource& requests,
                    const OnMessage& on_message);
  Result<void> call_once(std::string_view method, int caller_field, RequestSource& requests,
                         const OnMessage& on_message);
  // After `error`: whether the call is to be made again, with everything ready for that.
  Result<bool> prepare_again(std::string_view method, const Error& error, size_t handed_on);
  Result<bool> await_successor();
  Result<void> compare_versions();
  Result<void> replace_daemon();

  // constant after construction
  const DaemonPaths paths_;
  Console& console_;
  Interrupt& interrupt_;

  std::unique_ptr<Transport> transport_;
  pid_t daemon_pid_ = 0;
  bool same_view_ = true;  // of the files, as far as the mount namespace tells
  bool replaced_ = false;  // a daemon of another version; done at most once
  bool repeated_ = false;  // a call under which the daemon died; done at most once
  int refusals_ = 0;
  std::function<void()> ticker_;
  int tick_milliseconds_ = -1;
};

// Parses one message of an answer.
Result<void> parse_message(std::string_view bytes, google::protobuf::MessageLite& message);

// What the daemon at `connection` says of itself.
Result<v1::StatusResponse> ask_status(DaemonConnection connection, Console& console,
                                      Interrupt& interrupt);
// The first of what it runs, for a person: "exec make, for 3 s (and 2 more)"; empty: nothing runs.
std::string running_text(const v1::StatusResponse& status);

// Asks the daemon at `connection` to stop and waits until it has ended; says what that waits for if
// it takes long. Forced, one that does not answer is killed.
Result<void> stop_daemon(DaemonConnection connection, const DaemonPaths& paths, bool force,
                         Console& console, Interrupt& interrupt);
// Waits until process `pid`, a daemon that was told to stop, has ended. Says so after a moment,
// with `then`: what happens after that.
Result<void> await_end(pid_t pid, const DaemonPaths& paths, std::string_view then, Console& console,
                       Interrupt& interrupt);

}  // namespace kiln
