#include "daemon/os/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

using test::TempDirectory;
using testing::ElementsAre;

RelPath rel(std::string_view text) { return *RelPath::parse(text); }

// For tests of permissions: root has them all, so file accesses of this thread are made as nobody.
class AsNobody {
 public:
  explicit AsNobody(const TempDirectory& directory) {
    if (::geteuid() != 0) return;
    EXPECT_EQ(::chown(directory.path().c_str(), kNobody, kNobody), 0);
    ::setfsgid(kNobody);
    ::setfsuid(kNobody);
  }
  ~AsNobody() {
    if (::geteuid() != 0) return;
    ::setfsuid(0);
    ::setfsgid(0);
  }

 private:
  static constexpr uid_t kNobody = 65534;
};

TEST(OpenBeneath, OpensWhatIsBelowTheRoot) {
  TempDirectory root;
  root.write("a/b", "x");
  EXPECT_TRUE(open_beneath(root.fd(), rel("a/b"), O_RDONLY).ok());
  EXPECT_TRUE(open_beneath(root.fd(), RelPath(), O_RDONLY | O_DIRECTORY).ok());
  EXPECT_EQ(open_beneath(root.fd(), rel("a/c"), O_RDONLY).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(open_beneath(root.fd(), rel("a/c"), O_RDONLY).error().message(),
            "cannot open a/c: No such file or directory");
}

TEST(OpenBeneath, MakesAFileWithTheModeGiven) {
  TempDirectory root;
  ASSERT_TRUE(open_beneath(root.fd(), rel("f"), O_WRONLY | O_CREAT | O_EXCL, 0700).ok());
  EXPECT_EQ((*stat_beneath(root.fd(), rel("f")))->mode, 0700U);
}

TEST(OpenBeneath, RefusesSymlinksEvenInsideTheRoot) {
  TempDirectory root;
  root.write("real/file", "x");
  ASSERT_EQ(::symlink("real", root.path("link").c_str()), 0);
  ASSERT_EQ(::symlink("/etc", root.path("out").c_str()), 0);
  for (const char* path : {"link", "link/file", "out/passwd"}) {
    EXPECT_EQ(open_beneath(root.fd(), rel(path), O_RDONLY).error().code(),
              ErrorCode::kFailedPrecondition)
        << path;
    EXPECT_FALSE(stat_beneath(root.fd(), rel(std::string(path) + "/below")).ok()) << path;
  }
}

TEST(OpenParentMaking, MakesTheMissingOnesAndRefusesOthers) {
  TempDirectory root;
  auto parent = open_parent_making(root.fd(), rel("a/b/c/file"));
  ASSERT_TRUE(parent.ok()) << parent.error().to_string();
  EXPECT_EQ(stat_fd(parent->get())->inode, (*stat_beneath(root.fd(), rel("a/b/c")))->inode);
  EXPECT_TRUE(open_parent_making(root.fd(), rel("top")).ok());
  root.write("a/f", "");
  EXPECT_EQ(open_parent_making(root.fd(), rel("a/f/x")).error().code(),
            ErrorCode::kFailedPrecondition);
  ASSERT_EQ(::symlink("b", root.path("a/link").c_str()), 0);
  EXPECT_FALSE(open_parent_making(root.fd(), rel("a/link/new/x")).ok());
  EXPECT_FALSE(std::filesystem::exists(root.path("a/b/new")));
}

TEST(ListDirectory, IsSortedAndKnowsKinds) {
  TempDirectory root;
  root.write("f", "");
  root.make_directory("d");
  ASSERT_EQ(::symlink("nowhere", root.path("l").c_str()), 0);
  ASSERT_EQ(::mkfifo(root.path("p").c_str(), 0600), 0);
  root.write("\xff", "");
  const std::vector<DirEntry> expected = {{"d", FileKind::kDirectory},
                                          {"f", FileKind::kFile},
                                          {"l", FileKind::kSymlink},
                                          {"p", FileKind::kOther},
                                          {"\xff", FileKind::kFile}};
  EXPECT_EQ(*list_directory(root.fd()), expected);
  EXPECT_EQ(*list_directory(root.fd()), expected) << "a second listing starts from the beginning";
}

TEST(ListDirectory, ListsMoreThanOneBufferFull) {
  TempDirectory root;
  for (int i = 0; i < 800; ++i) root.write(std::to_string(i) + std::string(40, 'x'), "");
  EXPECT_EQ(list_directory(root.fd())->size(), 800U);
}

TEST(StatBeneath, TellsOfTheLinkNotItsTarget) {
  TempDirectory root;
  root.write("d/f", "12345");
  ASSERT_EQ(::chmod(root.path("d/f").c_str(), 0744), 0);
  ASSERT_EQ(::symlink("f", root.path("d/l").c_str()), 0);
  const Stat file = **stat_beneath(root.fd(), rel("d/f"));
  EXPECT_EQ(file.kind, FileKind::kFile);
  EXPECT_EQ(file.size, 5);
  EXPECT_TRUE(file.executable());
  struct stat st;
  ASSERT_EQ(::stat(root.path("d/f").c_str(), &st), 0);
  EXPECT_EQ(file.inode, st.st_ino);
  EXPECT_EQ(file.device, st.st_dev);
  EXPECT_EQ(file.links, 1U);
  EXPECT_EQ(file.mtime_ns, st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec);
  EXPECT_EQ((*stat_beneath(root.fd(), rel("d/l")))->kind, FileKind::kSymlink);
  EXPECT_EQ((*stat_beneath(root.fd(), RelPath()))->kind, FileKind::kDirectory);
}

TEST(StatBeneath, AbsentIsNoError) {
  TempDirectory root;
  root.write("f", "");
  for (const char* path : {"x", "x/y/z", "f/x", "f/x/y"}) {
    auto stat = stat_beneath(root.fd(), rel(path));
    ASSERT_TRUE(stat.ok()) << path << stat.error().message();
    EXPECT_FALSE(stat->has_value()) << path;
  }
}

TEST(ReadLink, GivesTheTargetAsIs) {
  TempDirectory root;
  root.make_directory("d");
  ASSERT_EQ(::symlink("../../\xff", root.path("d/l").c_str()), 0);
  EXPECT_EQ(*read_link_beneath(root.fd(), rel("d/l")), "../../\xff");
  EXPECT_EQ(read_link_beneath(root.fd(), rel("d")).error().code(), ErrorCode::kInvalidArgument);
}

TEST(RemoveTree, RemovesEverythingAndOnlyThat) {
  TempDirectory root;
  root.write("keep/file", "x");
  for (const char* path : {"t/a/b/c/f", "t/a/f", "t/z/f", "t/f"}) root.write(path, "x");
  root.make_directory("t/empty");
  ASSERT_EQ(::symlink(root.path("keep").c_str(), root.path("t/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(root.fd(), "t").ok());
  EXPECT_THAT(*list_directory(root.fd()), ElementsAre(DirEntry{"keep", FileKind::kDirectory}));
  EXPECT_TRUE(std::filesystem::exists(root.path("keep/file")));
}

TEST(RemoveTree, TakesFilesLinksAndNothing) {
  TempDirectory root;
  root.write("f", "");
  ASSERT_EQ(::symlink("f", root.path("l").c_str()), 0);
  EXPECT_TRUE(remove_tree(root.fd(), "l").ok());
  EXPECT_TRUE(remove_tree(root.fd(), "f").ok());
  EXPECT_TRUE(remove_tree(root.fd(), "absent").ok());
  EXPECT_TRUE(list_directory(root.fd())->empty());
}

TEST(RemoveTree, NeedsNoPermissionsBelow) {
  TempDirectory root;
  const AsNobody nobody(root);
  for (const mode_t mode : {0000, 0100, 0400, 0500, 0300}) {
    root.write("t/d/e/f", "");
    ASSERT_EQ(::chmod(root.path("t/d/e").c_str(), mode), 0);
    ASSERT_EQ(::chmod(root.path("t/d").c_str(), mode), 0);
    auto removed = remove_tree(root.fd(), "t");
    EXPECT_TRUE(removed.ok()) << std::oct << mode << " " << removed.error().to_string();
  }
}

TEST(RemoveTree, SurvivesDepthWithFewDescriptors) {
  TempDirectory root = TempDirectory::in_memory();
  constexpr int kDepth = 5000;
  UniqueFd at(::openat(root.fd(), ".", O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(at.valid());
  }
  at.reset();
  rlimit old_limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const UniqueFd next(::dup(0));
  const rlimit few = {static_cast<rlim_t>(next.get()) + 4, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  auto removed = remove_tree(root.fd(), "d");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  EXPECT_TRUE(removed.ok()) << removed.error().message().substr(0, 200);
  EXPECT_TRUE(list_directory(root.fd())->empty());
}

TEST(RemoveTree, DoesNotEnterAnotherMount) {
  TempDirectory root;
  root.make_directory("t/mount");
  if (::mount("none", root.path("t/mount").c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  root.write("t/mount/kept", "x");
  auto removed = remove_tree(root.fd(), "t");
  EXPECT_TRUE(std::filesystem::exists(root.path("t/mount/kept")));
  ASSERT_EQ(::umount(root.path("t/mount").c_str()), 0);
  ASSERT_FALSE(removed.ok());
  EXPECT_THAT(removed.error().message(), testing::StartsWith("cannot remove t/mount: "));
}

}  // namespace
}  // namespace kiln::os
