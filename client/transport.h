// Transport: one RPC at a time to the daemon, in serialized messages.
//
// Threads: single-owner. Calls block.
// Cancels: the interrupt that the implementation watches ends a call with `cancelled`, after the
//          daemon was told; so does an error that one of the caller's callbacks returns.
// Fails:   with the daemon's own error where it sent one; `unavailable` where the connection broke,
//          or where the daemon gave no sign of life for too long.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

// Takes one message of the answer. An error ends the call.
using OnMessage = std::function<Result<void>(std::string_view message)>;

// Where the messages of a request come from. The transport pulls one when it has room for it.
class RequestSource {
 public:
  enum class Pull { kMessage, kNotYet, kEnd };

  virtual ~RequestSource() = default;
  // The next message. After kNotYet it is asked again when wait_fd() is readable, and after each
  // message of the answer; after kEnd never.
  virtual Result<Pull> pull(std::string& message) = 0;
  // -1: only an answer can make more ready.
  virtual int wait_fd() const { return -1; }
  // Begins at the first message again, for another daemon; false if that cannot be.
  virtual bool rewind() { return false; }
};

// A request of one message.
class SingleRequest final : public RequestSource {
 public:
  explicit SingleRequest(std::string message) : message_(std::move(message)) {}
  Result<Pull> pull(std::string& message) override {
    if (pulled_) return Pull::kEnd;
    pulled_ = true;
    message = message_;
    return Pull::kMessage;
  }
  bool rewind() override {
    pulled_ = false;
    return true;
  }

 private:
  const std::string message_;
  bool pulled_ = false;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Any shape of call: `method` is "/package.Service/Method", `requests` gives the request's
  // messages, `on_message` takes those of the answer in order.
  virtual Result<void> call(std::string_view method, RequestSource& requests,
                            const OnMessage& on_message) = 0;
  // True if the daemon certainly did not take up the last call: it said so, or never got it.
  virtual bool refused() const = 0;
  // True if the connection ended under the last call, which may have been begun.
  virtual bool lost() const = 0;
  // Called every `milliseconds` while a call waits; empty: never.
  virtual void set_ticker(std::function<void()> ticker, int milliseconds) = 0;
  // Called when a daemon that was asked for a sign of life gives none, once for each silence.
  virtual void set_on_silence(std::function<void()> on_silence) = 0;
};

}  // namespace kiln
