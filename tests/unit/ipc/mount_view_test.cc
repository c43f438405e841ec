#include "common/ipc/mount_view.h"

#include <gtest/gtest.h>

#include "kiln/v1/common.pb.h"

namespace kiln {
namespace {

v1::MountView view_of(std::string_view mountinfo, uint64_t name_space = 1) {
  v1::MountView view;
  view.set_namespace_(name_space);
  fill_mounts("/w", mountinfo, view);
  return view;
}

constexpr const char* kRoot = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";

TEST(MountView, HoldsTheMountsOfTheWorkspaceAndTheSystemAlone) {
  const auto view = view_of(std::string(kRoot) +
                            "2 1 0:5 / /proc rw - proc proc rw\n"
                            "3 1 8:2 /a /w/sub rw - ext4 /dev/sdb rw\n"
                            "4 1 8:3 / /usr rw - ext4 /dev/sdc rw\n"
                            "5 1 8:3 / /wide rw - ext4 /dev/sdc rw\n");
  ASSERT_EQ(view.mounts_size(), 2);
  EXPECT_EQ(view.mounts(0).path(), "/usr");
  EXPECT_EQ(view.mounts(1).path(), "/w/sub");
  EXPECT_EQ(view.mounts(1).device(), "8:2");
  EXPECT_EQ(view.mounts(1).root(), "/a");
}

TEST(MountView, LeavesOutWhatShowsTheSameFiles) {
  // As a service with a read-only /usr has it, and a bind mount of a directory over itself.
  const auto view = view_of(std::string(kRoot) +
                            "2 1 8:1 /usr /usr ro - ext4 /dev/sda rw\n"
                            "3 1 8:1 /w/d /w/d rw - ext4 /dev/sda rw\n"
                            "4 1 8:1 /w/other /w/e rw - ext4 /dev/sda rw\n");
  ASSERT_EQ(view.mounts_size(), 1);
  EXPECT_EQ(view.mounts(0).path(), "/w/e");
}

TEST(MountView, ReadsEscapedPathsAndTheLastOfSeveralMounts) {
  const auto view = view_of(std::string(kRoot) +
                            "2 1 8:2 / /w/a\\040b rw - ext4 /dev/sdb rw\n"
                            "3 2 8:3 / /w/a\\040b rw - ext4 /dev/sdc rw\n");
  ASSERT_EQ(view.mounts_size(), 1);
  EXPECT_EQ(view.mounts(0).path(), "/w/a b");
  EXPECT_EQ(view.mounts(0).device(), "8:3");
}

TEST(MountView, SaysWhatDiffers) {
  const auto plain = view_of(kRoot, 1);
  const auto mounted = view_of(std::string(kRoot) + "2 1 8:2 / /w/sub rw - ext4 /dev/sdb rw\n", 2);
  EXPECT_EQ(difference(plain, view_of(kRoot, 2)), "");
  EXPECT_EQ(difference(plain, mounted), "another file system is mounted at /w/sub");
  EXPECT_EQ(difference(mounted, plain), "another file system is mounted at /w/sub");
  auto elsewhere = view_of(kRoot, 2);
  elsewhere.mutable_workspace_root()->set_inode(7);
  EXPECT_EQ(difference(elsewhere, plain), "the workspace root is another directory");
  elsewhere.mutable_system_root()->set_inode(7);
  EXPECT_EQ(difference(elsewhere, plain), "the root directory / is another one");
}

TEST(MountView, OfThisProcessIsEqualToItself) {
  v1::MountView one;
  v1::MountView two;
  ASSERT_TRUE(fill_mount_view("/tmp", one).ok());
  ASSERT_TRUE(fill_mount_view("/tmp", two).ok());
  two.set_namespace_(one.namespace_() + 1);
  EXPECT_EQ(difference(one, two), "");
  EXPECT_FALSE(fill_mount_view("/nowhere", one).ok());
}

}  // namespace
}  // namespace kiln
