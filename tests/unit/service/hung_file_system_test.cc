// A file system whose server does not answer: it stops those who use it, and nobody else.
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/command.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/service/daemon_fixture.h"

namespace kiln::service {
namespace {

using test::Command;
using test::eventually;

class HungFileSystem : public testing::Test {
 protected:
  void SetUp() override {
    const std::string program = "/usr/bin/bindfs";
    if (::access(program.c_str(), X_OK) != 0 || ::geteuid() != 0) {
      GTEST_SKIP() << "needs bindfs and the right to mount";
    }
    disk_.write("back/src/f", "1");
    disk_.make_directory("mounts/hung");
    std::filesystem::create_symlink(hung(), disk_.path("link"));
    server_.emplace(std::vector<std::string>{program, "-f", disk_.path("back"), hung()},
                    test::CommandOptions{});
    if (!eventually([&] { return std::filesystem::exists(hung() + "/src"); })) {
      GTEST_SKIP() << "no FUSE mount here";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (!server_) return;
    server_->signal(SIGCONT);
    for (std::thread& thread : threads_) thread.join();
    if (mounted_) ::umount2(hung().c_str(), MNT_DETACH);
    server_->signal(SIGTERM);
    server_->wait();
  }

  std::string hung() const { return disk_.path("mounts/hung"); }
  void stop_answering() { server_->signal(SIGSTOP); }

  grpc::Status capture(const std::string& root, grpc::ClientContext& context,
                       std::chrono::seconds patience) {
    context.set_deadline(std::chrono::system_clock::now() + patience);
    v1::CaptureRequest request;
    request.mutable_caller()->set_workspace_root(root);
    request.mutable_globs()->add_globs("**");
    v1::CaptureResponse response;
    return house_.digests().Capture(&context, request, &response);
  }
  bool answers(const std::string& root, std::chrono::seconds patience = std::chrono::seconds(20)) {
    grpc::ClientContext context;
    const grpc::Status status = capture(root, context, patience);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok();
  }
  // Asks for something that will not come before the server answers.
  void ask_in_vain(const std::string& root) {
    threads_.emplace_back([this, root] {
      grpc::ClientContext context;
      (void)capture(root, context, std::chrono::seconds(60));
    });
  }

  test::TempDirectory disk_;
  test::DaemonHouse house_;
  std::optional<Command> server_;
  std::vector<std::thread> threads_;
  bool mounted_ = false;
};

TEST_F(HungFileSystem, OtherWorkspacesAreServedHoweverItIsSpelled) {
  house_.write("f", "1");
  EXPECT_TRUE(answers(hung())) << "it answers yet";
  stop_answering();
  std::string root = hung();
  for (int i = 0; i < 12; ++i) ask_in_vain(root += "/.");
  for (int i = 0; i < 4; ++i) ask_in_vain(disk_.path("mounts/../link"));
  for (int i = 0; i < 4; ++i) ask_in_vain(hung() + "/src");
  EXPECT_TRUE(eventually([&] { return house_.daemon().runs_in_flight() >= threads_.size(); }));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(answers(house_.workspace()));
  EXPECT_THAT(house_.workspaces(), testing::Contains(house_.workspace())) << "and the status";
}

TEST_F(HungFileSystem, ARequestForItCanBeCancelledAndItIsServedWhenItAnswersAgain) {
  stop_answering();
  grpc::ClientContext context;
  EXPECT_EQ(capture(hung(), context, std::chrono::seconds(1)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(eventually([&] { return house_.daemon().runs_in_flight() == 0; }));
  server_->signal(SIGCONT);
  EXPECT_TRUE(answers(hung()));
}

}  // namespace
}  // namespace kiln::service
