// Session: calls to the daemon as one command makes them.
//
// What:   finds or starts the daemon at the first call, repeats a call that a daemon on its way out
//         did not take, and settles version skew: a daemon of another version is asked to stop
//         (which it does when its work is done), and this client's own one takes the call.
// Threads: single-owner. Blocks.
// Fails:   with the daemon's error, or `unavailable` naming the daemon's log.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>
#include <string_view>

#include "client/console.h"
#include "client/daemon_starter.h"
#include "client/transport.h"

namespace kiln {

class Session {
 public:
  // `console` and `interrupt` outlive the session.
  Session(DaemonPaths paths, Console& console, Interrupt& interrupt);

  const DaemonPaths& paths() const { return paths_; }
  Interrupt& interrupt() { return interrupt_; }

  // One message there, one back.
  Result<void> unary(std::string_view method, const google::protobuf::MessageLite& request,
                     google::protobuf::MessageLite& response);
  // One message there, any number back.
  Result<void> server_stream(std::string_view method, const google::protobuf::MessageLite& request,
                             const OnMessage& on_message);
  // Messages both ways. The source is pulled by one call only: versions are compared before.
  Result<void> bidirectional(std::string_view method, RequestSource& requests,
                             const OnMessage& on_message);

  // See Transport.
  void set_ticker(std::function<void()> ticker, int milliseconds);

 private:
  Result<void> connect();
  Result<void> call_once(std::string_view method, RequestSource& requests,
                         const OnMessage& on_message);
  Result<void> compare_versions();
  Result<void> replace_daemon();

  // constant after construction
  const DaemonPaths paths_;
  Console& console_;
  Interrupt& interrupt_;

  std::unique_ptr<Transport> transport_;
  pid_t daemon_pid_ = 0;
  bool replaced_ = false;  // a daemon of another version; done at most once
  std::function<void()> ticker_;
  int tick_milliseconds_ = -1;
};

// Parses one message of an answer.
Result<void> parse_message(std::string_view bytes, google::protobuf::MessageLite& message);

// Asks the daemon at `connection` to stop and waits until it has ended.
Result<void> stop_daemon(DaemonConnection connection, bool force, Interrupt& interrupt);

}  // namespace kiln
