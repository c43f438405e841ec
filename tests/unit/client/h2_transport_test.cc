// The transport against grpc++, the oracle, and against peers that misbehave.
#include "client/h2_transport.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "common/types/digest.h"
#include "tests/unit/client/fake_daemon.h"

namespace kiln {
namespace {

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/kiln-h2-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempDir() { std::system(("rm -rf " + path_).c_str()); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

UniqueFd connected(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// Messages that are there from the start.
class Messages final : public RequestSource {
 public:
  explicit Messages(std::vector<std::string> messages) : messages_(std::move(messages)) {}
  Result<Pull> pull(std::string& message) override {
    if (next_ == messages_.size()) return Pull::kEnd;
    message = messages_[next_++];
    return Pull::kMessage;
  }

 private:
  std::vector<std::string> messages_;
  size_t next_ = 0;
};

class H2TransportTest : public testing::Test {
 protected:
  H2TransportTest()
      : daemon_(dir_.file("s"), "1"), transport_(connected(dir_.file("s")), interrupt_) {}

  static std::string execute(std::vector<std::string> argv) {
    v1::ExecuteRequest request;
    request.mutable_caller()->set_client_version("1");
    request.mutable_process()->mutable_argv()->Assign(argv.begin(), argv.end());
    return request.SerializeAsString();
  }

  // The events of one Execute.
  Result<std::vector<v1::ExecuteEvent>> run(std::vector<std::string> argv) {
    std::vector<v1::ExecuteEvent> events;
    SingleRequest request(execute(std::move(argv)));
    KILN_TRY(transport_.call("/kiln.v1.Processes/Execute", request,
                             [&events](std::string_view bytes) -> Result<void> {
                               events.emplace_back().ParseFromString(std::string(bytes));
                               return {};
                             }));
    return events;
  }

  const TempDir dir_;
  Interrupt interrupt_;  // before the daemon, whose threads inherit the signal mask
  FakeDaemon daemon_;
  H2Transport transport_;
};

TEST_F(H2TransportTest, UnaryCallsFollowOneAnotherOnOneConnection) {
  for (int i = 0; i < 100; ++i) {
    SingleRequest request(v1::StatusRequest().SerializeAsString());
    v1::StatusResponse response;
    const auto done = transport_.call("/kiln.v1.Daemon/Status", request, [&](std::string_view m) {
      response.ParseFromString(std::string(m));
      return Result<void>();
    });
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    ASSERT_EQ(response.pid(), ::getpid());
  }
}

TEST_F(H2TransportTest, AStreamArrivesInOrderAndWhole) {
  const auto events = run({"echo", "hello", "world"});
  ASSERT_TRUE(events.ok()) << events.error().to_string();
  ASSERT_EQ(events->size(), 3u);
  EXPECT_TRUE((*events)[0].has_started());
  EXPECT_EQ((*events)[1].output().data(), "hello world\n");
  EXPECT_EQ((*events)[2].finished().wall_seconds(), 0.25);
}

TEST_F(H2TransportTest, MoreThanEveryWindowArrives) {
  constexpr size_t kSize = size_t{100} << 20;
  size_t got = 0;
  v1::ReadFileRequest read;
  read.mutable_digest()->set_size_bytes(kSize);
  SingleRequest request(read.SerializeAsString());
  const auto done = transport_.call("/kiln.v1.Digests/ReadFile", request, [&](std::string_view m) {
    v1::ReadFileResponse response;
    response.ParseFromString(std::string(m));
    got += response.data().size();
    return Result<void>();
  });
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(got, kSize);
}

TEST_F(H2TransportTest, MoreThanEveryWindowIsSent) {
  constexpr size_t kPieces = 100;
  v1::UploadRequest piece;
  piece.set_data(std::string(size_t{1} << 20, 'x'));
  Messages source(std::vector<std::string>(kPieces, piece.SerializeAsString()));
  v1::UploadResponse response;
  const auto done = transport_.call("/kiln.v1.Digests/Upload", source, [&](std::string_view m) {
    response.ParseFromString(std::string(m));
    return Result<void>();
  });
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(response.file_digest().size_bytes(), int64_t{kPieces} << 20);
}

TEST_F(H2TransportTest, AnEmptyRequestStreamIsACall) {
  Messages source({});
  bool answered = false;
  const auto done = transport_.call("/kiln.v1.Digests/Upload", source, [&](std::string_view) {
    answered = true;
    return Result<void>();
  });
  EXPECT_TRUE(done.ok());
  EXPECT_TRUE(answered);
}

TEST_F(H2TransportTest, ErrorsArriveWithCodeMessageAndContext) {
  const auto events = run({"fail", "6", "a differs: ü 100%\n  left\n  right"});
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(events.error().blame(), Blame::kUser);
  EXPECT_EQ(events.error().to_string(),
            "a differs: ü 100%\n  left\n  right\n  while doing as it was told");
  EXPECT_FALSE(transport_.refused());
  EXPECT_TRUE(run({"echo", "still", "there"}).ok());
}

TEST_F(H2TransportTest, AnErrorOfManyKilobytesArrives) {
  const std::string text(5000, 'y');
  const auto events = run({"fail", "2", text});
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().message(), text);
}

TEST_F(H2TransportTest, AnErrorBeyondWhatTrailersCarryEndsTheCall) {
  const auto events = run({"fail", "2", std::string(1 << 20, 'y')});
  ASSERT_FALSE(events.ok());
  EXPECT_FALSE(transport_.refused()) << "the daemon had taken the call up";
}

TEST_F(H2TransportTest, AMethodThatIsNotThereIsUnsupported) {
  SingleRequest request("");
  const auto done = transport_.call("/kiln.v1.Daemon/Dance", request,
                                    [](std::string_view) { return Result<void>(); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
}

TEST_F(H2TransportTest, AnErrorOfTheReaderEndsTheCall) {
  SingleRequest request(execute({"big", "100000000"}));
  int messages = 0;
  const auto done =
      transport_.call("/kiln.v1.Processes/Execute", request, [&](std::string_view) -> Result<void> {
        ++messages;
        return user_error(ErrorCode::kConflict, "enough");
      });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().message(), "enough");
  EXPECT_EQ(messages, 1);
  EXPECT_TRUE(run({"echo", "next"}).ok());
}

TEST_F(H2TransportTest, AnInterruptCancelsTheCallInTheDaemon) {
  bool interrupted = false;
  transport_.set_ticker(
      [&] {
        if (daemon_.hangs == 1 && !std::exchange(interrupted, true)) ::kill(::getpid(), SIGINT);
      },
      1);
  const auto events = run({"hang"});
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(interrupt_.signal(), SIGINT);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (daemon_.hangs_cancelled == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(daemon_.hangs_cancelled, 1);
}

TEST_F(H2TransportTest, AReaderThatStopsHoldsTheDaemonBack) {
  constexpr size_t kSize = size_t{64} << 20;
  size_t sent_while_stopped = 0;
  v1::ReadFileRequest read;
  read.mutable_digest()->set_size_bytes(kSize);
  SingleRequest request(read.SerializeAsString());
  const auto done = transport_.call("/kiln.v1.Digests/ReadFile", request, [&](std::string_view) {
    if (sent_while_stopped != 0) return Result<void>();
    // Until the daemon has got no further for a while: it is held, or has sent everything.
    auto since = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - since < std::chrono::milliseconds(100)) {
      if (daemon_.bytes_read != sent_while_stopped) since = std::chrono::steady_clock::now();
      sent_while_stopped = daemon_.bytes_read;
      std::this_thread::yield();
    }
    return Result<void>();
  });
  ASSERT_TRUE(done.ok());
  EXPECT_LT(sent_while_stopped, size_t{20} << 20);
  EXPECT_EQ(daemon_.bytes_read, kSize);
}

// A peer that says what it is told, then closes.
class RawPeer {
 public:
  explicit RawPeer(std::string bytes) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_.reset(ends[0]);
    thread_ = std::thread([fd = ends[1], bytes = std::move(bytes)] {
      const UniqueFd socket(fd);
      char request[4096];
      EXPECT_GT(::read(fd, request, sizeof request), 0);
      // One byte at a time: no boundary may matter. A client that has heard enough hangs up.
      for (const char byte : bytes) {
        if (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1) break;
      }
    });
  }
  ~RawPeer() { thread_.join(); }
  UniqueFd take_client() { return std::move(client_); }

 private:
  UniqueFd client_;
  std::thread thread_;
};

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string out = {static_cast<char>(payload.size() >> 16),
                     static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size()),
                     static_cast<char>(type), static_cast<char>(flags)};
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(stream >> shift);
  return out + payload;
}

std::string settings() { return frame(4, 0, 0, ""); }

// HPACK: a literal without indexing.
std::string literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

// `refused` becomes whether the call may be repeated.
Result<void> call_peer(const std::string& bytes, bool* refused = nullptr) {
  Interrupt interrupt;
  RawPeer peer(bytes);
  H2Transport transport(peer.take_client(), interrupt);
  SingleRequest request("hi");
  auto done = transport.call("/kiln.v1.Daemon/Status", request,
                             [](std::string_view) { return Result<void>(); });
  if (refused != nullptr) *refused = transport.refused();
  return done;
}

TEST(H2TransportPeer, AnAnswerOfTrailersAloneIsUnderstoodByteByByte) {
  const std::string trailers = "\x88" + literal("content-type", "application/grpc") +
                               literal("grpc-status", "5") +
                               literal("grpc-message", "not%20here%21");
  const auto done = call_peer(settings() + frame(1, 0x5, 1, trailers));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(done.error().message(), "not here!");
}

TEST(H2TransportPeer, DeathBeforeAWordMayBeRepeated) {
  bool refused = false;
  const auto done = call_peer("", &refused);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(refused);
}

TEST(H2TransportPeer, DeathInTheMiddleMayNot) {
  bool refused = true;
  const auto done = call_peer(settings() + frame(1, 0x4, 1, "\x88"), &refused);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(refused);
}

TEST(H2TransportPeer, GoAwayBeforeTheCallWasTakenMayBeRepeated) {
  bool refused = false;
  const std::string nothing_taken(8, '\0');
  EXPECT_FALSE(call_peer(settings() + frame(7, 0, 0, nothing_taken), &refused).ok());
  EXPECT_TRUE(refused);
}

TEST(H2TransportPeer, AResetStreamIsAnError) {
  bool refused = false;
  const std::string refused_stream("\0\0\0\7", 4);
  EXPECT_FALSE(call_peer(settings() + frame(3, 0, 1, refused_stream), &refused).ok());
  EXPECT_TRUE(refused);
  const std::string internal("\0\0\0\2", 4);
  EXPECT_FALSE(call_peer(settings() + frame(3, 0, 1, internal), &refused).ok());
  EXPECT_FALSE(refused);
}

TEST(H2TransportPeer, WhatIsNotHttp2IsAnErrorNotACrash) {
  EXPECT_FALSE(call_peer("SSH-2.0-OpenSSH_9.2p1\r\n this is not the daemon you look for").ok());
}

TEST(H2TransportPeer, AMessageCutOffByOkTrailersIsAnError) {
  const std::string half("\0\0\0\0\x09half", 9);
  const auto done = call_peer(settings() + frame(1, 0x4, 1, "\x88") + frame(0, 0, 1, half) +
                              frame(1, 0x5, 1, literal("grpc-status", "0")));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace kiln
