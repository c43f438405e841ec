#include "client/h2_transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/ipc/wire_error.h"

namespace kiln {

namespace {

// How much the daemon may send ahead of what was handled.
constexpr int32_t kReceiveWindow = 16 << 20;
// How much is encoded ahead of what the socket took.
constexpr size_t kSendAhead = size_t{256} << 10;
// How long an interrupted client waits for the daemon to have heard of it.
constexpr auto kCancelPatience = std::chrono::milliseconds(1000);

nghttp2_nv header(std::string_view name, std::string_view value) {
  // nghttp2 does not write through these pointers.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

// Of the pings that ask for a sign of life, and of those that follow a cancellation.
constexpr std::array<uint8_t, 8> kLivePing = {'l', 'i', 'v', 'e'};
constexpr std::array<uint8_t, 8> kCancelPing = {'c', 'a', 'n', 'c', 'e', 'l'};

}  // namespace

struct H2Transport::Callbacks {
  static Call* call_of(void* user_data, int32_t stream_id) {
    Call* call = static_cast<H2Transport*>(user_data)->call_;
    return call != nullptr && call->stream_id == stream_id ? call : nullptr;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user_data) {
    if (Call* call = call_of(user_data, frame->hd.stream_id)) {
      call->status.read_header({reinterpret_cast<const char*>(name), name_size},
                               {reinterpret_cast<const char*>(value), value_size});
    }
    return 0;
  }

  static int on_data(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* data, size_t size,
                     void* user_data) {
    Call* call = call_of(user_data, stream_id);
    if (call == nullptr || call->failure) return 0;
    const auto took = call->reader.feed({reinterpret_cast<const char*>(data), size},
                                        [call](std::string_view message) {
                                          call->answered = true;
                                          return call->on_message(message);
                                        });
    if (!took.ok()) call->failure = took.error();
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
        std::equal(kCancelPing.begin(), kCancelPing.end(), frame->ping.opaque_data)) {
      static_cast<H2Transport*>(user_data)->heard_cancel_ = true;
    }
    Call* call = call_of(user_data, frame->hd.stream_id);
    if (call != nullptr && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
      call->finished = true;
    }
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t stream_id, uint32_t error_code, void* user_data) {
    if (Call* call = call_of(user_data, stream_id)) {
      call->finished = true;
      call->stream_error = error_code;
    }
    return 0;
  }

  static ssize_t read_request(nghttp2_session*, int32_t, uint8_t* buffer, size_t size,
                              uint32_t* flags, nghttp2_data_source* source, void*) {
    auto* call = static_cast<Call*>(source->ptr);
    // One message more than fits tells whether this frame is the last.
    while (!call->source_ended && call->unsent.size() - call->unsent_offset <= size) {
      call->unsent.erase(0, call->unsent_offset);  // less than a frame stays
      call->unsent_offset = 0;
      std::string message;
      auto pulled = call->requests.pull(message);
      if (!pulled.ok()) {
        call->failure = pulled.error();
        return NGHTTP2_ERR_DEFERRED;
      }
      if (*pulled == RequestSource::Pull::kNotYet) break;
      if (*pulled == RequestSource::Pull::kEnd) call->source_ended = true;
      if (*pulled == RequestSource::Pull::kMessage) append_grpc_message(message, call->unsent);
    }
    const size_t n = std::min(size, call->unsent.size() - call->unsent_offset);
    std::copy_n(call->unsent.data() + call->unsent_offset, n, buffer);
    call->unsent_offset += n;
    if (call->source_ended && call->unsent_offset == call->unsent.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (n == 0) {
      call->waiting_for_source = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(n);
  }
};

H2Transport::H2Transport(UniqueFd socket, Interrupt& interrupt, Silence::Limits limits)
    : socket_(std::move(socket)), interrupt_(interrupt), silence_(limits, Silence::Clock::now()) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  nghttp2_session* session = nullptr;
  KILN_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0, "out of memory");
  KILN_CHECK(nghttp2_option_new(&options) == 0, "out of memory");
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_option_set_max_deflate_dynamic_table_size(options, 0);
  KILN_CHECK(nghttp2_session_client_new2(&session, callbacks, this, options) == 0, "out of memory");
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);

  const std::array<nghttp2_settings_entry, 3> settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kReceiveWindow}};
  KILN_CHECK(
      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0,
      "out of memory");
  KILN_CHECK(
      nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kReceiveWindow) == 0,
      "out of memory");
}

H2Transport::~H2Transport() = default;

void H2Transport::set_ticker(std::function<void()> ticker, int milliseconds) {
  ticker_ = std::move(ticker);
  tick_milliseconds_ = ticker_ ? milliseconds : -1;
}

void H2Transport::set_on_silence(std::function<void()> on_silence) {
  on_silence_ = std::move(on_silence);
}

Result<void> H2Transport::call(std::string_view method, RequestSource& requests,
                               const OnMessage& on_message) {
  Call call{.requests = requests, .on_message = on_message};
  call_ = &call;
  refused_ = false;
  lost_ = false;
  silence_.heard(Silence::Clock::now());
  Result<void> result = submit(method);
  if (result.ok()) result = run();
  if (!result.ok() && !call.finished && call.stream_id != 0) cancel();
  call_ = nullptr;
  return result;
}

Result<void> H2Transport::submit(std::string_view method) {
  if (nghttp2_session_check_request_allowed(session_.get()) == 0) {
    Error error = connection_lost("is shutting down");
    refused_ = true;
    return error;
  }
  const std::array<nghttp2_nv, 7> headers = {header(":method", "POST"),
                                             header(":scheme", "http"),
                                             header(":path", method),
                                             header(":authority", "localhost"),
                                             header("te", "trailers"),
                                             header("content-type", "application/grpc"),
                                             header("user-agent", "kiln/" KILN_VERSION)};
  nghttp2_data_provider body{{.ptr = call_}, Callbacks::read_request};
  const int32_t id = nghttp2_submit_request(session_.get(), nullptr, headers.data(), headers.size(),
                                            &body, nullptr);
  if (id < 0) return internal_error(std::string("nghttp2: ") + nghttp2_strerror(id));
  call_->stream_id = id;
  return {};
}

Result<void> H2Transport::run() {
  for (;;) {
    KILN_TRY(flush());
    if (call_->failure) return *call_->failure;
    if (call_->finished) return outcome();
    if (ended()) {
      return connection_lost("sent an answer that HTTP/2 does not allow, or trailers over 64 KiB");
    }
    KILN_TRY(wait());
  }
}

bool H2Transport::ended() const {
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

Result<void> H2Transport::flush() {
  for (;;) {
    while (unsent_.size() < kSendAhead) {
      const uint8_t* data = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_.get(), &data);
      if (n < 0) {
        return internal_error(std::string("nghttp2: ") + nghttp2_strerror(static_cast<int>(n)));
      }
      if (n == 0) break;
      unsent_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(n));
    }
    if (unsent_.empty()) return {};
    const ssize_t sent =
        ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {};
      // What the daemon said before it went may still be there to be read.
      if (errno == EPIPE || errno == ECONNRESET) {
        unsent_.clear();
        return {};
      }
      return os_error(errno, "send to the daemon");
    }
    unsent_.erase(0, static_cast<size_t>(sent));
  }
}

Result<void> H2Transport::wait() {
  const int source_fd = call_->waiting_for_source ? call_->requests.wait_fd() : -1;
  const auto interest = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
  std::array<pollfd, 3> fds = {pollfd{socket_.get(), interest, 0},
                               pollfd{interrupt_.fd(), POLLIN, 0}, pollfd{source_fd, POLLIN, 0}};
  const int doubt_in = silence_.milliseconds_left(Silence::Clock::now());
  const bool doubt_first =
      doubt_in >= 0 && (tick_milliseconds_ < 0 || doubt_in < tick_milliseconds_);
  const int ready = ::poll(fds.data(), fds.size(), doubt_first ? doubt_in : tick_milliseconds_);
  if (ready < 0 && errno != EINTR) return os_error(errno, "wait for the daemon");
  if (ready == 0 && ticker_) ticker_();
  // What has come is read before anybody doubts.
  if (ready >= 0 && (fds[0].revents & ~POLLOUT) == 0) KILN_TRY(doubt());
  if (ready <= 0) return {};
  if (fds[1].revents != 0 && interrupt_.take()) return interrupted_error();
  if ((fds[0].revents & ~POLLOUT) != 0) {
    KILN_TRY(receive());
    ask_source_again();
  } else if (fds[2].revents != 0) {
    ask_source_again();
  }
  return {};
}

Result<void> H2Transport::doubt() {
  switch (silence_.step(Silence::Clock::now())) {
    case Silence::Step::kNone:
      break;
    case Silence::Step::kAsk:
      nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kLivePing.data());
      break;
    case Silence::Step::kTell:
      if (on_silence_) on_silence_();
      break;
    case Silence::Step::kGiveUp:
      return environment_error(
          ErrorCode::kUnavailable,
          "the daemon gave no sign of life for " +
              std::to_string(silence_.give_up().count() / 1000) +
              " s, so this command gives up (KILN_DAEMON_TIMEOUT sets after how many seconds; 0 is "
              "never)\n  kiln daemon stop --force ends the daemon");
  }
  return {};
}

Error H2Transport::connection_lost(std::string_view how) {
  lost_ = true;
  return environment_error(ErrorCode::kUnavailable, "the daemon " + std::string(how));
}

Result<void> H2Transport::receive() {
  ssize_t n;
  do {
    n = ::recv(socket_.get(), receive_buffer_.data(), receive_buffer_.size(), MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return {};
  if (n <= 0) {
    refused_ = !heard_;
    return connection_lost(
        "closed the connection before it had answered; run the command again: it starts a new one");
  }
  heard_ = true;
  silence_.heard(Silence::Clock::now());
  const ssize_t used =
      nghttp2_session_mem_recv(session_.get(), receive_buffer_.data(), static_cast<size_t>(n));
  if (used < 0) {
    return internal_error(std::string("the daemon does not speak HTTP/2: ") +
                          nghttp2_strerror(static_cast<int>(used)));
  }
  return {};
}

void H2Transport::ask_source_again() {
  if (!call_->waiting_for_source) return;
  call_->waiting_for_source = false;
  nghttp2_session_resume_data(session_.get(), call_->stream_id);
}

Result<void> H2Transport::outcome() {
  const GrpcStatus& status = call_->status;
  if (!status.code) {
    refused_ = call_->stream_error == NGHTTP2_REFUSED_STREAM;
    if (refused_) return connection_lost("is shutting down");
    return connection_lost("ended the call without a status");
  }
  if (*status.code == 0) {
    if (call_->reader.at_boundary()) return {};
    return internal_error("the daemon's answer ended in the middle of a message");
  }
  constexpr int kUnavailable = 14;
  refused_ = *status.code == kUnavailable && begun_of(status.details) == Begun::kNo;
  return from_status(*status.code, status.message, status.details);
}

void H2Transport::cancel() {
  const auto deadline = std::chrono::steady_clock::now() + kCancelPatience;
  heard_cancel_ = false;
  call_->failure = interrupted_error();  // whatever still comes is not handed on
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, call_->stream_id, NGHTTP2_CANCEL);
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kCancelPing.data());
  while (!heard_cancel_ && flush().ok() && !ended()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const auto interest = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
    pollfd fd = {socket_.get(), interest, 0};
    if (left.count() <= 0 || ::poll(&fd, 1, static_cast<int>(left.count())) == 0) return;
    if ((fd.revents & ~POLLOUT) != 0 && !receive().ok()) return;
  }
}

}  // namespace kiln
