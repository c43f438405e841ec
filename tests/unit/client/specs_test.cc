#include "client/specs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_directory.h"

namespace kiln {
namespace {

std::string resolved(const SpecResolver& resolver, std::string_view typed) {
  const auto spec = resolver.resolve(typed);
  return spec.ok() ? *spec : "error: " + spec.error().message();
}

TEST(Specs, AreRelativeToTheCurrentDirectory) {
  const SpecResolver in_sub("/work", "/work/sub/dir");
  const std::pair<std::string_view, std::string_view> cases[] = {{"a.sh", "sub/dir/a.sh"},
                                                                 {"./a.sh", "sub/dir/a.sh"},
                                                                 {"../a.sh", "sub/a.sh"},
                                                                 {"../../a.sh", "a.sh"},
                                                                 {".", "sub/dir/"},
                                                                 {"./", "sub/dir/"},
                                                                 {"..", "sub/"},
                                                                 {"../..", "./"},
                                                                 {"x::", "sub/dir/x::"},
                                                                 {".::", "sub/dir::"},
                                                                 {"../..::", "::"},
                                                                 {":", "sub/dir:"},
                                                                 {"*.sh", "sub/dir/*.sh"},
                                                                 {"-a.sh", "-sub/dir/a.sh"},
                                                                 {"-../x:", "-sub/x:"},
                                                                 {"/work/a.sh", "a.sh"},
                                                                 {"/work", "./"},
                                                                 {"/work::", "::"},
                                                                 {"-/work/lib::", "-lib::"},
                                                                 {"::", "::"},
                                                                 {"-::", "-::"},
                                                                 {"a//b/./c", "sub/dir/a/b/c"}};
  for (const auto& [typed, spec] : cases) EXPECT_EQ(resolved(in_sub, typed), spec) << typed;
}

TEST(Specs, AtTheRootOrOutsideAreRelativeToTheRoot) {
  for (const char* here : {"/work", "/elsewhere", "/workshop"}) {
    const SpecResolver resolver("/work", here);
    EXPECT_EQ(resolved(resolver, "a.sh"), "a.sh");
    EXPECT_EQ(resolved(resolver, "."), "./");
    EXPECT_EQ(resolved(resolver, "x/*.sh"), "x/*.sh");
  }
  EXPECT_EQ(resolved(SpecResolver("/", "/etc"), "passwd"), "etc/passwd");
  EXPECT_EQ(resolved(SpecResolver("/", "/"), "/etc/passwd"), "etc/passwd");
}

TEST(Specs, OutsideTheWorkspaceAreRefused) {
  const SpecResolver resolver("/work", "/work/sub");
  EXPECT_EQ(resolved(resolver, "../../x"),
            "error: the spec '../../x' leads out of the workspace /work");
  EXPECT_EQ(resolved(resolver, "/workshop/x"),
            "error: the spec '/workshop/x' leads out of the workspace /work");
}

TEST(Specs, OnlyWhatWasTypedIsAGlob) {
  const SpecResolver resolver("/work", "/work/[odd]");
  EXPECT_EQ(resolved(resolver, "*.sh"), "\\[odd]/*.sh");
  EXPECT_EQ(resolved(resolver, "a.sh"), "\\[odd]/a.sh");
  EXPECT_EQ(resolved(resolver, "."), "[odd]/");
  EXPECT_EQ(resolved(resolver, "x::"), "[odd]/x::");
}

TEST(Specs, BeginAtTheRootWithTwoSlashes) {
  const SpecResolver in_sub("/work", "/work/sub");
  EXPECT_EQ(resolved(in_sub, "//a.sh"), "a.sh");
  EXPECT_EQ(resolved(in_sub, "//lib::"), "lib::");
  EXPECT_EQ(resolved(in_sub, "//"), "./");
  EXPECT_EQ(resolved(in_sub, "//::"), "::");
  EXPECT_EQ(resolved(in_sub, "-//lib/x.sh"), "-lib/x.sh");
}

std::string glob(const SpecResolver& resolver, std::string_view typed) {
  const auto glob = resolver.glob(typed);
  return glob.ok() ? *glob : "error: " + glob.error().message();
}

TEST(Globs, AreRelativeToTheCurrentDirectory) {
  const SpecResolver in_sub("/work", "/work/sub");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"*.c", "sub/*.c"},   {"../inc/**", "inc/**"},   {"//inc/**", "inc/**"},
      {"/work/x.c", "x.c"}, {"d/", "sub/d/"},          {"!*.o", "!*.o"},
      {"!d/", "!d/"},       {"!d/*.c", "!/sub/d/*.c"}, {"!/x.c", "!/sub/x.c"},
      {"!//x.c", "!/x.c"},  {"!../x.c", "!/x.c"}};
  for (const auto& [typed, expected] : cases) EXPECT_EQ(glob(in_sub, typed), expected) << typed;
  EXPECT_EQ(glob(in_sub, "../../x"), "error: the glob '../../x' leads out of the workspace /work");
}

TEST(Globs, AtTheRootAreLeftAsTheyAre) {
  const SpecResolver at_root("/work", "/work");
  for (const char* same : {"*.c", "**/x", "!a/b", "!/a", "a//b", "[x]", "d/"}) {
    EXPECT_EQ(glob(at_root, same), same);
  }
  EXPECT_EQ(glob(at_root, "./!odd"), "./!odd") << "a name, no exclude";
  EXPECT_EQ(glob(SpecResolver("/work", "/work/[odd]"), "*.c"), "\\[odd]/*.c");
}

TEST(Paths, AreShownAsTheyAreTyped) {
  const SpecResolver in_sub("/work", "/work/sub/dir");
  EXPECT_EQ(in_sub.shown("sub/dir/a"), "a");
  EXPECT_EQ(in_sub.shown("sub/other/a"), "../other/a");
  EXPECT_EQ(in_sub.shown("sub/directory"), "../directory");
  EXPECT_EQ(in_sub.shown("a"), "../../a");
  EXPECT_EQ(in_sub.shown("sub/dir"), ".");
  EXPECT_EQ(in_sub.shown("sub"), "..");
  EXPECT_EQ(in_sub.shown("sub/dir/-x"), "./-x") << "no option";
  EXPECT_EQ(SpecResolver("/work", "/work").shown("a/b"), "a/b");
  for (const char* path : {"sub/dir/a b", "top", "sub/dir/-x", "sub/x/y"}) {
    EXPECT_EQ(resolved(in_sub, in_sub.shown(path)), path);
  }
}

TEST(Specs, ParentsAreTakenAsTheKernelTakesThem) {
  const test::TempDirectory root;
  root.write("a/b/g", "");
  root.write("sub/x", "");
  std::filesystem::create_directory_symlink("a/b", root.path("c.ln"));
  std::filesystem::create_directory_symlink("/usr", root.path("out"));
  const SpecResolver at_root(root.path(), root.path());
  EXPECT_EQ(resolved(at_root, "c.ln/../f.txt"), "a/f.txt");
  EXPECT_EQ(resolved(at_root, "c.ln/.."), "a/");
  EXPECT_EQ(resolved(at_root, "-c.ln/..::"), "-a::");
  EXPECT_EQ(resolved(at_root, "c.ln/../*.sh"), "a/*.sh");
  EXPECT_EQ(resolved(at_root, "sub/../a/x"), "a/x");
  EXPECT_THAT(resolved(at_root, "nowhere/../x"), testing::HasSubstr("'..' behind nowhere"));
  EXPECT_THAT(resolved(at_root, "out/../etc/passwd"), testing::HasSubstr("leads out"));
  EXPECT_EQ(resolved(SpecResolver(root.path(), root.path("sub")), "../c.ln/../x"), "a/x");
}

TEST(Specs, WhatExistsByTheVeryNameIsNoGlob) {
  const test::TempDirectory root;
  root.write("[odd]/f[1].sh", "");
  const SpecResolver resolver(root.path(), root.path("[odd]"));
  EXPECT_EQ(resolved(resolver, "f[1].sh"), "\\[odd]/f\\[1].sh");
  EXPECT_EQ(resolved(resolver, "g[1].sh"), "\\[odd]/g[1].sh");
}

TEST(Specs, FilesNamedLikeOptionsAreNoExclusions) {
  EXPECT_EQ(resolved(SpecResolver("/work", "/work"), "./-x/y"), "./-x/y");
}

TEST(Specs, ThatTakeAwayHaveAPathInThem) {
  for (const char* spec : {"-dir::", "-a/b", "-./b", "-*.sh", "-b.sh", "-dir:"}) {
    EXPECT_TRUE(is_excluding_spec(spec)) << spec;
  }
  for (const char* option : {"-h", "--loop", "--option=a.b", "-", "--", "-nofile"}) {
    EXPECT_FALSE(is_excluding_spec(option)) << option;
  }
}

}  // namespace
}  // namespace kiln
