// Indexes that git wrote, in all its formats, against `git ls-files`.
#include "daemon/os/git_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "common/base/file.h"
#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

class GitIndexFiles : public testing::Test {
 protected:
  void git(const std::string& arguments) {
    ASSERT_EQ(std::system(("git -C " + root_.path() + " " + arguments).c_str()), 0) << arguments;
  }
  std::vector<std::string> listed_by_git() {
    std::vector<std::string> names;
    std::string name;
    FILE* pipe = ::popen(("git -C " + root_.path() + " ls-files -z").c_str(), "r");
    for (int c; (c = std::fgetc(pipe)) != EOF;) {
      if (c != 0) {
        name += static_cast<char>(c);
      } else {
        names.push_back(std::exchange(name, ""));
      }
    }
    ::pclose(pipe);
    return names;
  }
  std::vector<std::string> read(size_t hash_bytes = 20) {
    auto index = parse_git_index(*read_file(root_.path(".git/index")), hash_bytes);
    EXPECT_TRUE(index.ok()) << index.error().to_string();
    if (!index.ok() || !index->base) return index.ok() ? index->paths : std::vector<std::string>();
    split_ = true;
    const auto base = parse_git_index(
        *read_file(root_.path(".git/sharedindex." + index->base->name)), hash_bytes);
    EXPECT_TRUE(base.ok()) << base.error().to_string();
    return joined_paths(*index, *base);
  }
  void make_files() {
    for (int i = 0; i < 200; ++i)
      root_.write("d" + std::to_string(i % 7) + "/f" + std::to_string(i), "x");
    root_.write(std::string(200, 'l') + "/" + std::string(250, 'n'), "long");
    root_.write("\xff name", "odd");
    git("add .");
  }
  const test::TempDirectory root_;
  bool split_ = false;
};

TEST_F(GitIndexFiles, OfEveryVersionNameTheTrackedFiles) {
  git("init -q .");
  make_files();
  for (const char* version : {"2", "3", "4"}) {
    git(std::string("update-index --index-version ") + version);
    EXPECT_EQ(read(), listed_by_git()) << version;
  }
  root_.write("later", "");
  git("add -N later");  // has extended flags
  EXPECT_EQ(read(), listed_by_git());
}

TEST_F(GitIndexFiles, WithLongHashesAreReadToo) {
  git("init -q --object-format=sha256 .");
  make_files();
  EXPECT_EQ(read(32), listed_by_git());
}

TEST_F(GitIndexFiles, ThatAreSplitAreJoined) {
  git("init -q .");
  make_files();
  git("-c splitIndex.maxPercentChange=100 update-index --split-index");
  git("config splitIndex.maxPercentChange 100");
  EXPECT_EQ(read(), listed_by_git());
  root_.write("added", "a");
  root_.write("d1/f1", "replaced");
  git("add added d1/f1");
  git("rm -q --cached d2/f2 d3/f3 d6/f6");
  EXPECT_EQ(read(), listed_by_git());
  EXPECT_TRUE(split_) << "git wrote no split index";
}

TEST_F(GitIndexFiles, ThatAreCutOffOrDamagedAreRefused) {
  git("init -q .");
  make_files();
  const std::string whole = *read_file(root_.path(".git/index"));
  EXPECT_FALSE(parse_git_index("", 20).ok());
  EXPECT_FALSE(parse_git_index("DIRC", 20).ok());
  for (size_t size = 12; size < whole.size() / 2; size += 97) {
    EXPECT_FALSE(parse_git_index(std::string_view(whole).substr(0, size), 20).ok()) << size;
  }
  std::string later = whole;
  later[7] = 9;
  const auto refused = parse_git_index(later, 20);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  for (size_t i = 0; i < whole.size(); i += 31) {  // whatever it gives, it ends
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
    (void)parse_git_index(damaged, 20);
  }
}

}  // namespace
}  // namespace kiln::os
