// Many workspaces, some of which go: what the daemon keeps of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

class WorkspacesTest : public KilnTest {
 protected:
  nlohmann::json status() { return kiln_json({"daemon", "status", "--json"}); }
  fs::path room(const std::string& name) {
    fs::create_directories(temp_path() / name);
    write_file(temp_path() / name / "kiln.toml", "");
    return temp_path() / name;
  }
  void visit(const fs::path& room) {
    EXPECT_EQ(kiln_in(room, {"digest", "capture", "**"}).exit_code, 0);
  }
  // What the daemon has open below the directory.
  std::vector<std::string> opened_below(const fs::path& directory) {
    std::vector<std::string> opened;
    const std::string fds = "/proc/" + std::to_string(daemon_pid()) + "/fd";
    for (const auto& entry : fs::directory_iterator(fds)) {
      std::error_code gone;
      const std::string target = fs::read_symlink(entry.path(), gone).string();
      if (!gone && target.starts_with(directory.string())) opened.push_back(target);
    }
    return opened;
  }
};

TEST_F(WorkspacesTest, ThoseWhoseFolderIsGoneAreDropped) {
  visit(workspace());
  for (int i = 0; i < 10; ++i) {
    const fs::path gone = room("t" + std::to_string(i));
    visit(gone);
    fs::remove_all(gone);
  }
  EXPECT_TRUE(eventually([&] { return status()["workspaces"].size() == 1; })) << status();
  visit(room("t0"));
  EXPECT_THAT(status()["workspaces"], SizeIs(2)) << "one is back";
}

// Nothing was read in it, so nothing tells that it went.
TEST_F(WorkspacesTest, OneThatOnlyAProcessWithoutInputsRanInIsListedWhileItIsThere) {
  const fs::path other = room("t");
  EXPECT_EQ(kiln_in(other, {"exec", "--", "true"}).exit_code, 0);
  EXPECT_THAT(status()["workspaces"], testing::ElementsAre(other.string()));
  fs::remove_all(other);
  EXPECT_THAT(status()["workspaces"], SizeIs(0));
}

TEST_F(WorkspacesTest, AnIdleDaemonHasNothingOpenInThem) {
  write("src/a.txt", "1");
  visit(workspace());
  EXPECT_TRUE(eventually([&] { return opened_below(workspace()).empty(); }))
      << opened_below(workspace()).front();
  Command loop = start({"list", "--loop", "::"});
  ASSERT_TRUE(loop.read_until("src/a.txt"));
  EXPECT_TRUE(eventually([&] { return opened_below(workspace()).empty(); })) << "nor does a loop";
  loop.signal(SIGINT);
  loop.wait();
}

TEST_F(WorkspacesTest, WatchesOfWhatIsForgottenAreGivenBack) {
  environment()["KILN_MEMO_NODES"] = "300";
  constexpr int kRooms = 4;
  constexpr int kDirectories = 100;
  for (int i = 0; i < kRooms; ++i) {
    const fs::path visited = room("t" + std::to_string(i));
    for (int d = 0; d < kDirectories; ++d) fs::create_directory(visited / std::to_string(d));
    visit(visited);
  }
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(kiln({"digest", "capture", "*"}).exit_code, 0);
    return status().value("watches", kRooms * kDirectories) < 2 * kDirectories;
  })) << status();
}

TEST_F(WorkspacesTest, AFolderWhoseNameIsNotUtf8IsRefusedByName) {
  const fs::path odd = temp_path() / "\xe9t\xe9";
  std::error_code refused;
  fs::create_directory(odd, refused);
  if (refused) GTEST_SKIP() << "this file system takes no such names";
  write_file(odd / "kiln.toml", "");
  const Outcome outcome = kiln_in(odd, {"paths", "*"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("the name of the workspace's folder is not UTF-8: "));
  EXPECT_THAT(outcome.err, HasSubstr("\\xe9t\\xe9"));
}

}  // namespace
}  // namespace kiln::test
