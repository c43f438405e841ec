#include "common/ipc/home.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kiln {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class HomeTest : public testing::Test {
 protected:
  HomeTest() {
    char name[] = "/tmp/kiln-home-XXXXXX";
    directory_ = ::mkdtemp(name);
    paths_.home = directory_ + "/cache/kiln";
  }
  ~HomeTest() override { std::filesystem::remove_all(directory_); }

  std::string make(const std::string& below, mode_t mode) {
    const std::string path = paths_.home + below;
    std::filesystem::create_directories(path);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
    return st.st_mode & 07777;
  }
  void refused(const Result<void>& result, const std::string& path, const std::string& advice) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(result.error().message(),
                AllOf(HasSubstr(path), HasSubstr(user_text(::geteuid())), HasSubstr(advice)));
  }

  std::string directory_;
  DaemonPaths paths_;
  const Identity self_{.user = ::geteuid()};
  const Identity stranger_{.user = ::geteuid() + 4711};
};

TEST_F(HomeTest, IsMadeForItsOwnerAlone) {
  ASSERT_TRUE(check_home(paths_, self_).ok());
  ASSERT_TRUE(prepare_home(paths_, self_).ok());
  EXPECT_EQ(mode_of(paths_.home), 0700u);
}

TEST_F(HomeTest, OneThatOthersMayEnterIsClosedToThem) {
  for (const mode_t mode : {0755, 0777, 0710, 0701}) {
    make("", mode);
    make("/store", mode);
    make("/sandboxes", mode);
    ASSERT_TRUE(prepare_home(paths_, self_).ok());
    EXPECT_EQ(mode_of(paths_.home), 0700u);
    EXPECT_EQ(mode_of(paths_.home + "/store"), 0700u);
    EXPECT_EQ(mode_of(paths_.home + "/sandboxes"), 0700u);
  }
}

TEST_F(HomeTest, OfAnotherUserIsRefusedWithWhatToDo) {
  make("", 0700);
  const std::string advice = "sudo chown -R " + std::to_string(stranger_.user) + " " + paths_.home;
  refused(check_home(paths_, stranger_), paths_.home, advice);
  refused(prepare_home(paths_, stranger_), paths_.home, advice);
}

TEST_F(HomeTest, APartOfAnotherUserIsRefusedByName) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  for (const std::string part : {"/store", "/store/files", "/store/files/0e", "/store/db/1.sst",
                                 "/daemon.lock", "/log/kilnd.log"}) {
    const std::string path = make(part, 0700);
    ASSERT_EQ(::chown(path.c_str(), 4711, 4711), 0);
    const auto prepared = prepare_home(paths_, self_);
    ASSERT_FALSE(prepared.ok()) << part;
    EXPECT_THAT(prepared.error().message(),
                AllOf(HasSubstr(path + " belongs to uid 4711"), HasSubstr("sudo -H")));
    std::filesystem::remove_all(paths_.home);
  }
}

TEST_F(HomeTest, RootWithSudoBeginsNoneInAUsersDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  ASSERT_EQ(::chown(directory_.c_str(), 4711, 4711), 0);
  const Identity with_sudo{.user = 0, .sudo_from = 4711};
  const auto refusal = check_home(paths_, with_sudo);
  ASSERT_FALSE(refusal.ok());
  EXPECT_THAT(refusal.error().message(), AllOf(HasSubstr("uid 4711"), HasSubstr("sudo -H")));
  EXPECT_FALSE(prepare_home(paths_, with_sudo).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/cache"));
  // Root itself, in a container whose home is mounted from outside, may.
  EXPECT_TRUE(check_home(paths_, {.user = 0}).ok());
  EXPECT_TRUE(check_home(paths_, {.user = 0, .sudo_from = 4712}).ok());
}

TEST(UserText, NamesWhomPasswdLists) {
  EXPECT_EQ(user_text(0), "root (uid 0)");
  EXPECT_EQ(user_text(987654), "uid 987654");
}

TEST(CurrentIdentity, KnowsWhoSaidSudo) {
  const auto with = [](std::string value) {
    return current_identity([value](std::string_view name) {
             return name == "SUDO_UID" ? std::optional(value) : std::nullopt;
           })
        .sudo_from;
  };
  EXPECT_EQ(with("1000"), std::optional<uid_t>(1000));
  EXPECT_EQ(with(""), std::nullopt);
  EXPECT_EQ(with("1000x"), std::nullopt);
}

}  // namespace
}  // namespace kiln
