#include "daemon/os/descent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/os/directory.h"
#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

using test::TempDirectory;

constexpr int kDepth = 300;

// A chain of directories "d", each with a file that is named after its depth.
void make_chain(const TempDirectory& root) {
  UniqueFd at(::openat(root.fd(), ".", O_RDONLY | O_DIRECTORY));
  for (int i = 0; i <= kDepth; ++i) {
    UniqueFd(::openat(at.get(), std::to_string(i).c_str(), O_CREAT | O_WRONLY, 0644));
    EXPECT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY));
  }
}

bool has(const Descent& descent, size_t depth) {
  return ::faccessat(descent.fd(), std::to_string(depth).c_str(), F_OK, 0) == 0;
}

TEST(Descent, LeadsDownAndBackWithFewDescriptors) {
  const TempDirectory root = TempDirectory::in_memory();
  make_chain(root);
  rlimit old_limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const UniqueFd next(::dup(0));
  const rlimit few = {static_cast<rlim_t>(next.get()) + 40, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Descent descent(UniqueFd(::openat(root.fd(), ".", O_RDONLY | O_DIRECTORY)));
  for (size_t depth = 1; depth <= kDepth; ++depth) {
    const auto entered = descent.enter("d");
    ASSERT_TRUE(entered.ok()) << entered.error().to_string();
    EXPECT_EQ(descent.depth(), depth);
  }
  for (size_t depth = kDepth; depth > 0; --depth) {
    EXPECT_TRUE(has(descent, depth)) << depth;
    ASSERT_TRUE(descent.leave().ok());
  }
  EXPECT_TRUE(has(descent, 0));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
}

TEST(Descent, FollowsNoSymlink) {
  TempDirectory root;
  root.make_directory("real");
  ASSERT_EQ(::symlink("real", root.path("link").c_str()), 0);
  Descent descent(UniqueFd(::openat(root.fd(), ".", O_RDONLY | O_DIRECTORY)));
  EXPECT_FALSE(descent.enter("link").ok());
  EXPECT_TRUE(descent.enter("real").ok());
}

TEST(Descent, DoesNotComeBackToAnotherPlace) {
  const TempDirectory root = TempDirectory::in_memory();
  make_chain(root);
  root.make_directory("elsewhere");
  Descent descent(UniqueFd(::openat(root.fd(), ".", O_RDONLY | O_DIRECTORY)));
  std::string path;
  for (int depth = 1; depth <= 100; ++depth) {
    ASSERT_TRUE(descent.enter("d").ok());
    path += depth > 1 ? "/d" : "d";
    if (depth == 5) ASSERT_TRUE(has(descent, 5));
  }
  path = path.substr(0, 10 * 2 - 1);  // the tenth
  ASSERT_EQ(::rename(root.path(path).c_str(), root.path("elsewhere/d").c_str()), 0);
  bool refused = false;
  for (int depth = 100; depth > 0 && !refused; --depth) refused = !descent.leave().ok();
  EXPECT_TRUE(refused);
  EXPECT_GE(descent.depth(), 9u);
}

}  // namespace
}  // namespace kiln::os
