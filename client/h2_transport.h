// H2Transport: gRPC over HTTP/2 on one connected socket, by libnghttp2, without threads.
//
// What:   the first request leaves in a single write together with the connection's preface,
//         without waiting for the peer's settings. That, and no grpc++ to start up, is why a warm
//         command costs little more than its process.
// Owns:   the socket. Closing it is how the daemon learns that nobody wants an answer any more.
// Threads: single-owner.
// Memory: answers are handled as they are read, and nothing is read while they are handled, so a
//         slow reader of our output holds back the daemon through HTTP/2's flow control.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client/grpc_wire.h"
#include "client/interrupt.h"
#include "client/silence.h"
#include "client/transport.h"
#include "common/base/unique_fd.h"

namespace kiln {

class H2Transport final : public Transport {
 public:
  // `interrupt` outlives the transport.
  H2Transport(UniqueFd socket, Interrupt& interrupt, Silence::Limits limits = {});
  ~H2Transport() override;
  H2Transport(const H2Transport&) = delete;
  H2Transport& operator=(const H2Transport&) = delete;

  Result<void> call(std::string_view method, RequestSource& requests,
                    const OnMessage& on_message) override;
  bool refused() const override { return refused_; }
  bool lost() const override { return lost_; }
  void set_ticker(std::function<void()> ticker, int milliseconds) override;
  void set_on_silence(std::function<void()> on_silence) override;

 private:
  // The call in progress.
  struct Call {
    RequestSource& requests;
    const OnMessage& on_message;
    int32_t stream_id = 0;
    std::string unsent;  // framed messages that HTTP/2 has not taken yet
    size_t unsent_offset = 0;
    bool waiting_for_source = false;
    bool source_ended = false;
    MessageReader reader;
    GrpcStatus status;
    bool answered = false;  // a message came
    bool finished = false;
    std::optional<uint32_t> stream_error;
    std::optional<Error> failure;  // ours, not the daemon's: ends the call
  };

  struct Callbacks;  // nghttp2's, which are C functions
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  Result<void> submit(std::string_view method);
  Result<void> run();
  Result<void> flush();
  Result<void> wait();
  Result<void> receive();
  // Asks a silent daemon for a sign of life, tells of it, gives up.
  Result<void> doubt();
  Error connection_lost(std::string_view how);
  void ask_source_again();
  Result<void> outcome();
  // The session is over, whatever the socket says.
  bool ended() const;
  // Tells the daemon that nobody waits for the call, and waits for a moment until it heard it.
  void cancel();

  // constant after construction
  UniqueFd socket_;
  Interrupt& interrupt_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::function<void()> ticker_;
  int tick_milliseconds_ = -1;
  std::function<void()> on_silence_;

  // changes with every call
  Call* call_ = nullptr;
  bool refused_ = false;
  bool lost_ = false;
  std::string unsent_;  // bytes that the socket has not taken yet
  bool heard_ = false;  // anything came from the peer
  Silence silence_;
  bool heard_cancel_ = false;  // the peer answered the ping that follows a cancellation
  std::array<uint8_t, 1 << 16> receive_buffer_;
};

}  // namespace kiln
