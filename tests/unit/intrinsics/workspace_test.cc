// Workspace and Workspaces: what is kept of a root, and for how long.
#include "daemon/intrinsics/files/workspace.h"

#include <sys/stat.h>

#include "daemon/intrinsics/files/stat_identity.h"
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> roots(const Workspaces& workspaces) {
  std::vector<std::string> roots;
  for (const WorkspaceRef& workspace : workspaces.all()) roots.push_back(workspace->root());
  return roots;
}

TEST(WorkspacesTest, ARootIsAnAbsolutePath) {
  Workspaces workspaces;
  for (const std::string& root :
       {std::string(""), std::string("relative"), std::string("/a\0b", 4)}) {
    const auto opened = workspaces.open(root);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument);
  }
  const WorkspaceRef opened = *workspaces.open("/a/b");
  EXPECT_EQ(opened, *workspaces.open("/a/b///"));
}

TEST(WorkspacesTest, ADirectoryIsOnTheHostAndInEveryWorkspaceThatContainsIt) {
  Workspaces workspaces;
  const WorkspaceRef a = *workspaces.open("/a");
  const WorkspaceRef ab = *workspaces.open("/a/b");
  const WorkspaceRef abc = *workspaces.open("/a/bc");
  const WorkspaceRef whole = *workspaces.open("/");
  const auto found = workspaces.containing("/a/b/c");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0], std::pair(WorkspaceRef(&workspaces.host()), *RelPath::parse("a/b/c")));
  EXPECT_EQ(found[1], std::pair(ab, *RelPath::parse("c")));
  EXPECT_EQ(found[2], std::pair(a, *RelPath::parse("b/c")));
  EXPECT_EQ(found[3], std::pair(whole, *RelPath::parse("a/b/c")));
  EXPECT_EQ(workspaces.containing("/").size(), 2U) << "the host, and the workspace of all";
  EXPECT_THAT(roots(workspaces), ElementsAre("/", "/a", "/a/b", "/a/bc")) << "not the host";
}

TEST(WorkspacesTest, NothingIsKeptOfWhatNothingRefersTo) {
  Workspaces workspaces;
  const WorkspaceRef kept = *workspaces.open("/kept");
  for (int i = 0; i < 1000; ++i) (void)workspaces.open("/nowhere/" + std::to_string(i));
  EXPECT_THAT(roots(workspaces), ElementsAre("/kept"));
}

// Descriptors of this process that lead to `path` or below.
int descriptors_into(const std::string& path) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && target.string().starts_with(path)) ++found;
  }
  return found;
}

class WorkspaceTest : public test::EngineFixture {
 protected:
  int opened_here() { return descriptors_into(disk_.path() + "/w"); }
  WorkspaceRef workspace() {
    disk_.make_directory("w");
    return *workspaces_.open(disk_.path("w"));
  }
};

TEST_F(WorkspaceTest, TheRootIsOpenOnlyWhileSomebodyUsesIt) {
  const WorkspaceRef room = workspace();
  EXPECT_TRUE(room->root_fd().ok());
  EXPECT_EQ(opened_here(), 0);
  room->begin_use();
  room->begin_use();
  EXPECT_TRUE(room->root_fd().ok());
  EXPECT_EQ(opened_here(), 1);
  room->end_use();
  EXPECT_EQ(opened_here(), 1);
  room->end_use();
  EXPECT_EQ(opened_here(), 0);
}

TEST_F(WorkspaceTest, ARootThatWasMadeAgainIsAnother) {
  const WorkspaceRef room = workspace();
  EXPECT_FALSE(room->in_place()) << "nobody has read there yet";
  ASSERT_TRUE(room->reopen().ok());
  EXPECT_TRUE(room->in_place());
  remove("w");
  EXPECT_FALSE(room->in_place());
  EXPECT_FALSE(room->check().ok());
  EXPECT_TRUE(room->is_missing());
  disk_.make_directory("w");  // may get the inode number of the first
  EXPECT_FALSE(room->in_place());
  EXPECT_TRUE(room->check().ok());
  EXPECT_FALSE(room->is_missing());
}

TEST_F(WorkspaceTest, AChangeOfADirectorysModeHasItListedAgain) {
  write("d/f", "1");
  capture({"**"});
  work();
  ::chmod(disk_.path("d").c_str(), 0700);
  EXPECT_EQ(captured({"**"}), std::vector<std::string>{"d/f=1"});
  EXPECT_EQ(work().listed, 1);
}

os::Stat changed_at(int64_t ctime_ns) {
  os::Stat stat;
  stat.ctime_ns = ctime_ns;
  return stat;
}

TEST(StatIdentity, AStatProvesContentOnceItsFineTimeIsPast) {
  using std::chrono::system_clock;
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t changed = 1'700'000'000 * kSecond + 123'456'789;
  const auto after = [&](std::chrono::milliseconds age) {
    return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
        std::chrono::nanoseconds(changed) + age));
  };
  EXPECT_FALSE(settled(changed_at(changed), after(std::chrono::milliseconds(10))));
  EXPECT_TRUE(settled(changed_at(changed), after(std::chrono::milliseconds(100))));
}

// Of file systems with coarse times, and of images whose times were set.
TEST(StatIdentity, ACoarseTimeProvesNothingHoweverOldItIs) {
  const auto now = std::chrono::system_clock::now();
  for (const int64_t time :
       {int64_t{0}, int64_t{1'700'000'000'000'000'000}, int64_t{1'700'000'000'250'000'000}}) {
    EXPECT_FALSE(settled(changed_at(time), now)) << time;
  }
}

}  // namespace
}  // namespace kiln::intrinsics
