#include "daemon/os/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ParseMounts, ReadsWhatIsMountedWhere) {
  const auto mounts = parse_mounts(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw,errors=continue\n"
      "36 22 0:40 /sub/dir /mnt/with\\040blank\\134 rw - fuse.sshfs me@host:/a rw\n"
      "40 22 0:41 / /two rw shared:2 master:1 - nfs4 server:/export rw\n");
  EXPECT_THAT(mounts, ElementsAre(Mount{22, "8:1", "/", "/", "ext4", "/dev/root"},
                                  Mount{36, "0:40", "/sub/dir", "/mnt/with blank\\", "fuse.sshfs",
                                        "me@host:/a"},
                                  Mount{40, "0:41", "/", "/two", "nfs4", "server:/export"}));
}

TEST(ParseMounts, LeavesOutWhatIsNoMount) {
  EXPECT_THAT(parse_mounts(""), IsEmpty());
  EXPECT_THAT(
      parse_mounts("22 1 8:1 / /\nx 1 8:1 / / rw - ext4 /dev/root rw\n22 1 8:1 / / rw - ext4\n"),
      IsEmpty());
}

TEST(ChangedPoints, AreThoseWhereSomethingElseIsMounted) {
  const Mount root{1, "8:1", "/", "/", "ext4", "/dev/a"};
  const Mount one{2, "0:1", "/", "/one", "tmpfs", "none"};
  const Mount over{3, "0:2", "/", "/one", "tmpfs", "none"};
  const Mount two{4, "8:1", "/x", "/two", "ext4", "/dev/a"};
  EXPECT_THAT(changed_points({root, one}, {root, one}), IsEmpty());
  EXPECT_THAT(changed_points({root}, {root, one}), ElementsAre("/one"));
  EXPECT_THAT(changed_points({root, one}, {root, one, over}), ElementsAre("/one"));
  EXPECT_THAT(changed_points({root, one, over}, {root, one, two}), ElementsAre("/one", "/two"));
}

TEST(ServedElsewhere, AreNetworkFileSystemsAndFuse) {
  for (const char* type :
       {"nfs", "nfs4", "cifs", "9p", "virtiofs", "fuse", "fuse.sshfs", "fuseblk"}) {
    EXPECT_TRUE(is_served_elsewhere(type)) << type;
  }
  for (const char* type : {"ext4", "tmpfs", "overlay", "fusectl", "proc", "squashfs"}) {
    EXPECT_FALSE(is_served_elsewhere(type)) << type;
  }
}

TEST(MountsTest, AMountAndAnUnmountAreTold) {
  const test::TempDirectory disk;
  disk.make_directory("m");
  Mounts mounts = *Mounts::open();
  EXPECT_TRUE(mounts.changed()) << "the first time";
  const auto before = *mounts.read();
  if (::mount("none", disk.path("m").c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  EXPECT_TRUE(mounts.changed());
  EXPECT_THAT(changed_points(before, *mounts.read()), testing::Contains(disk.path("m")));
  ::umount(disk.path("m").c_str());
  EXPECT_TRUE(mounts.changed());
}

}  // namespace
}  // namespace kiln::os
