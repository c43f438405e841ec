#include "common/ipc/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

namespace kiln {
namespace {

Environment environment(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto it = values.find(name);
    if (it == values.end()) return std::nullopt;
    return it->second;
  };
}

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/kiln-paths-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempDir() { std::system(("rm -rf " + path_).c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(DaemonPaths, FollowTheEnvironment) {
  const auto paths = daemon_paths(environment({{"HOME", "/home/u"}}));
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ(paths->home, "/home/u/.cache/kiln");
  EXPECT_EQ(paths->runtime_dir, "/tmp/kiln-" + std::to_string(::geteuid()));
  const auto chosen = daemon_paths(
      environment({{"HOME", "/home/u"}, {"KILN_HOME", "/k/"}, {"XDG_RUNTIME_DIR", "/run/user/7"}}));
  EXPECT_EQ(chosen->home, "/k");
  EXPECT_EQ(chosen->runtime_dir, "/run/user/7/kiln");
}

TEST(DaemonPaths, TwoHomesAreTwoDaemons) {
  const auto a = daemon_paths(environment({{"KILN_HOME", "/a"}, {"KILN_RUNTIME_DIR", "/r"}}));
  const auto b = daemon_paths(environment({{"KILN_HOME", "/b"}, {"KILN_RUNTIME_DIR", "/r"}}));
  EXPECT_NE(a->socket, b->socket);
}

TEST(DaemonPaths, RefusesWhatCannotWork) {
  EXPECT_FALSE(daemon_paths(environment({})).ok());
  const auto relative = daemon_paths(environment({{"KILN_HOME", "x"}}));
  EXPECT_EQ(relative.error().message(), "KILN_HOME='x' is not an absolute path");
  const auto longest = daemon_paths(
      environment({{"KILN_HOME", "/k"}, {"KILN_RUNTIME_DIR", "/" + std::string(100, 'r')}}));
  ASSERT_FALSE(longest.ok());
  EXPECT_NE(longest.error().message().find("KILN_RUNTIME_DIR"), std::string::npos);
}

TEST(RuntimeDir, MustBePrivateAndOurs) {
  const TempDir temp;
  DaemonPaths paths;
  paths.runtime_dir = temp.path() + "/new/run";
  EXPECT_TRUE(prepare_runtime_dir(paths).ok());
  EXPECT_TRUE(prepare_runtime_dir(paths).ok());
  ::chmod(paths.runtime_dir.c_str(), 0755);
  EXPECT_FALSE(prepare_runtime_dir(paths).ok());
  paths.runtime_dir = temp.path() + "/link";
  ASSERT_EQ(::symlink((temp.path() + "/new/run").c_str(), paths.runtime_dir.c_str()), 0);
  EXPECT_FALSE(prepare_runtime_dir(paths).ok());
}

TEST(LockFile, IsExclusiveUntilItCloses) {
  const TempDir temp;
  const std::string path = temp.path() + "/lock";
  {
    const auto held = lock_file(path, false);
    ASSERT_TRUE(held.ok() && held->has_value());
    const auto second = lock_file(path, false);
    ASSERT_TRUE(second.ok());
    EXPECT_FALSE(second->has_value());
  }
  EXPECT_TRUE(lock_file(path, false)->has_value());
}

}  // namespace
}  // namespace kiln
