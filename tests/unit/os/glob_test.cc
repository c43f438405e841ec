#include "daemon/os/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <span>

#include "daemon/os/ignore.h"
#include "daemon/os/wildmatch.h"
#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RelPath rel(std::string_view text) { return *RelPath::parse(text); }

std::shared_ptr<const GlobSet> compiled(std::vector<std::string> globs) {
  auto set = GlobSet::compile(globs);
  EXPECT_TRUE(set.ok()) << set.error().message();
  return *set;
}

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// The globs that match `path`, by walking down to it.
std::vector<std::string> matching(const GlobSet& set, std::string_view path) {
  GlobState state = set.root();
  GlobSet::Step step;
  for (const std::string& name : components(path)) {
    step = set.step(state, name);
    state = step.below;
  }
  std::vector<std::string> globs;
  for (const uint32_t index : step.matched) globs.push_back(set.includes()[index]);
  return globs;
}

bool matches(std::string_view glob, std::string_view path) {
  return !matching(*compiled({std::string(glob)}), path).empty();
}

std::string refusal(std::string glob) {
  auto set = GlobSet::compile(std::span(&glob, 1));
  return set.ok() ? "" : set.error().message();
}

TEST(GlobSet, StarsMatchWithinAComponent) {
  EXPECT_TRUE(matches("*.cc", "a.cc"));
  EXPECT_TRUE(matches("*", ".hidden"));
  EXPECT_FALSE(matches("*.cc", "d/a.cc"));
  EXPECT_TRUE(matches("src/*/t?st.[ch]", "src/x/test.c"));
  EXPECT_FALSE(matches("src/*/t?st.[!ch]", "src/x/test.c"));
  EXPECT_FALSE(matches("A", "a"));
  EXPECT_TRUE(matches("{a,b}", "{a,b}"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
}

TEST(GlobSet, DoubleStarsMatchAnyNumberOfComponents) {
  EXPECT_TRUE(matches("**/a", "a"));
  EXPECT_TRUE(matches("**/a", "x/y/a"));
  EXPECT_TRUE(matches("x/**/a", "x/a"));
  EXPECT_FALSE(matches("x/**/a", "a"));
  EXPECT_TRUE(matches("x/**", "x/a/b"));
  EXPECT_TRUE(matches("x/**", "x/a"));
  EXPECT_FALSE(matches("x/**", "x")) << "everything inside, not the directory itself";
  EXPECT_TRUE(matches("**", "x"));
}

TEST(GlobSet, PathsAreNormalized) { EXPECT_TRUE(matches("./a//b/", "a/b")); }

TEST(GlobSet, RefusalsNameTheGlob) {
  EXPECT_EQ(refusal("/etc/*"), "glob '/etc/*' is absolute; globs are relative to the root");
  EXPECT_EQ(refusal("../a"), "glob '../a' leaves the root it is relative to");
  for (const char* glob : {"a/../b", "*/../b", "a/..", "!a/../b"}) {
    EXPECT_THAT(refusal(glob), HasSubstr("has '..' in it")) << glob;
  }
  EXPECT_EQ(refusal(""), "glob '' is empty");
  EXPECT_EQ(refusal("./"), "glob './' is empty");
  EXPECT_EQ(refusal("!"), "glob '!' is empty");
  EXPECT_EQ(refusal("\xff"), "glob '\\xff' is not valid UTF-8");
  for (const char* glob : {"a[b", "x/[a/b]", "a\\", "[[:nope:]]", "!a[b"}) {
    EXPECT_THAT(refusal(glob), HasSubstr("is malformed")) << glob;
  }
}

TEST(GlobSet, NoGlobMatchesNothing) {
  const auto set = compiled({});
  EXPECT_TRUE(set->root().dead());
  EXPECT_TRUE(set->step(set->root(), "a").matched.empty());
}

TEST(GlobSet, SaysWhichGlobsMatch) {
  const auto set = compiled({"**/*.cc", "src/*", "src/a.cc", "b"});
  EXPECT_THAT(matching(*set, "src/a.cc"), ElementsAre("**/*.cc", "src/*", "src/a.cc"));
  EXPECT_THAT(matching(*set, "src/b"), ElementsAre("src/*"));
}

TEST(GlobSet, DeadStatesNeedNotBeEntered) {
  const auto set = compiled({"src/*/a.cc"});
  EXPECT_TRUE(set->step(set->root(), "lib").below.dead());
  const GlobState src = set->step(set->root(), "src").below;
  EXPECT_FALSE(src.dead());
  const GlobState below = set->step(src, "x").below;
  EXPECT_TRUE(set->step(below, "a.cc").below.dead());
}

TEST(GlobSet, KnowsWhenOnlyCertainNamesMatter) {
  const auto set = compiled({"src/b.cc", "src/a.cc", "src/a.cc/x", "lib/*"});
  EXPECT_THAT(*set->literal_names(set->root()), ElementsAre("lib", "src"));
  EXPECT_THAT(*set->literal_names(set->step(set->root(), "src").below),
              ElementsAre("a.cc", "b.cc"));
  EXPECT_EQ(set->literal_names(set->step(set->root(), "lib").below), std::nullopt);
  EXPECT_TRUE(set->literal_names(GlobState())->empty());
}

TEST(GlobSet, EqualFuturesAreEqualStates) {
  const auto set = compiled({"**/a/**/b", "src/**"});
  const auto after = [&](std::string_view path) {
    GlobState state = set->root();
    for (const std::string& name : components(path)) state = set->step(state, name).below;
    return state;
  };
  EXPECT_EQ(after("x"), after("y/z"));
  EXPECT_EQ(after("a"), after("x/a/c/a"));
  EXPECT_EQ(after("src/x"), after("src/y/z"));
}

TEST(GlobSet, ExcludesAreGitignorePatterns) {
  const auto set = compiled({"**", "!*.o", "!/top", "!build/", "!#x"});
  const auto excluded = [&set](std::string_view path, bool directory) {
    return set->step_to(rel(path)).excluded(directory);
  };
  EXPECT_TRUE(excluded("a/b.o", false));
  EXPECT_TRUE(excluded("top", false));
  EXPECT_FALSE(excluded("a/top", false));
  EXPECT_TRUE(excluded("a/build", true));
  EXPECT_FALSE(excluded("a/build", false));
  EXPECT_TRUE(excluded("#x", false));
  EXPECT_THAT(set->excludes(), ElementsAre("#x", "*.o", "/top", "build/"));
  EXPECT_THAT(set->includes(), ElementsAre("**"));
}

TEST(GlobSet, WhatIsLeftToExcludeIsPartOfTheState) {
  const auto set = compiled({"**", "!a/**/x", "!*.o"});
  const auto after = [&](std::string_view path) { return set->step_to(rel(path)).below; };
  EXPECT_EQ(after("b"), after("c/d"));
  EXPECT_NE(after("a"), after("b"));
  EXPECT_EQ(after("a/b"), after("a/c/d"));
}

TEST(GlobSet, NamesAreTheGlobsWithoutWildcards) {
  const auto set = compiled({"out/a.o", "out/*", "\\[x]"});
  const auto at = set->step(set->root(), "out");
  EXPECT_THAT(set->selecting(at), ElementsAre(1, 2));
  EXPECT_THAT(set->selecting(set->named(at)), ElementsAre(2));
  EXPECT_THAT(set->named(set->step_to(rel("out/a.o"))).matched, ElementsAre(2));
  EXPECT_TRUE(set->named(set->step_to(rel("out/b.o"))).selects_nothing());
  EXPECT_THAT(set->named(set->step(set->root(), "[x]")).matched, ElementsAre(0));
}

TEST(GlobSet, OrderAndRepetitionDoNotMatter) {
  EXPECT_EQ(compiled({"b", "a", "!y", "!x"})->includes(),
            compiled({"!x", "a", "b", "a", "!y"})->includes());
}

// The definition, by recursion over components.
bool naive(std::span<const std::string> glob, std::span<const std::string> path) {
  if (glob.empty()) return path.empty();
  if (glob[0] == "**") {
    if (glob.size() == 1) return !path.empty();
    return naive(glob.subspan(1), path) || (!path.empty() && naive(glob, path.subspan(1)));
  }
  return !path.empty() &&
         Wildmatch::compile(glob[0], Wildmatch::Syntax::kUtf8Name).matches(path[0]) &&
         naive(glob.subspan(1), path.subspan(1));
}

class RandomGlobs {
 public:
  explicit RandomGlobs(uint32_t seed) : random_(seed) {}
  uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }
  std::string glob() {
    static constexpr const char* kParts[] = {"**", "*",  "a", "b",    "ab",
                                             "a*", "*b", "?", "[ab]", "[!a]b"};
    return joined(kParts);
  }
  std::string path() {
    static constexpr const char* kNames[] = {"a", "b", "ab", "ba", "c", "aab"};
    return joined(kNames);
  }

 private:
  std::string joined(std::span<const char* const> parts) {
    std::string text;
    for (uint32_t n = 1 + below(5); n > 0; --n) {
      if (!text.empty()) text += '/';
      text += parts[below(static_cast<uint32_t>(parts.size()))];
    }
    return text;
  }
  std::mt19937 random_;
};

uint32_t rounds(uint32_t usual) {
  const char* wanted = std::getenv("KILN_FUZZ_ROUNDS");
  return wanted != nullptr ? static_cast<uint32_t>(std::atoi(wanted)) : usual;
}

TEST(GlobSet, AgreesWithTheDefinition) {
  for (uint32_t seed = 1; seed <= rounds(2000); ++seed) {
    RandomGlobs random(seed);
    std::vector<std::string> globs;
    for (uint32_t n = 1 + random.below(4); n > 0; --n) globs.push_back(random.glob());
    const auto set = compiled(globs);
    for (int i = 0; i < 30; ++i) {
      const std::string path = random.path();
      std::vector<std::string> expected;
      for (const std::string& glob : set->includes()) {
        if (naive(components(glob), components(path))) expected.push_back(glob);
      }
      ASSERT_EQ(matching(*set, path), expected)
          << "seed " << seed << ", path " << path << ", globs " << testing::PrintToString(globs);
    }
  }
}

TEST(GlobSet, ExcludesAgreeWithIgnoreRules) {
  RandomGlobs random(11);
  for (uint32_t round = 0; round < rounds(1000); ++round) {
    std::string pattern = random.glob();
    if (random.below(3) == 0) pattern = "/" + pattern;
    const bool directories = random.below(3) == 0;
    if (directories) pattern += "/";
    const auto set = GlobSet::compile(std::vector<std::string>{"**", "!" + pattern});
    if (!set.ok()) continue;
    const auto rules = IgnoreRules::parse(pattern, "");
    for (int i = 0; i < 30; ++i) {
      const std::string path = random.path();
      for (const bool directory : {false, true}) {
        EXPECT_EQ((*set)->step_to(rel(path)).excluded(directory),
                  rules->match(path, directory).has_value())
            << pattern << " on " << path << (directory ? "/" : "");
      }
    }
  }
}

// git's :(glob) pathspecs, asked of an index that names files which need not exist.
TEST(GlobSet, AgreesWithGitPathspecs) {
  test::TempDirectory root;
  RandomGlobs random(7);
  std::set<std::string> paths;
  for (int i = 0; i < 300; ++i) paths.insert(random.path());
  // No file may be a directory of another.
  for (auto it = paths.begin(); it != paths.end();) {
    const auto next = std::next(it);
    const auto below = paths.lower_bound(*it + "/");
    const bool is_parent = below != paths.end() && below->starts_with(*it + "/");
    if (is_parent) paths.erase(it);
    it = next;
  }
  std::string index;
  for (const std::string& path : paths) {
    index += "100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\t" + path + "\n";
  }
  root.write("index", index);
  const std::string in_root = "cd '" + root.path() + "' && export GIT_CONFIG_GLOBAL=/dev/null && ";
  ASSERT_EQ(
      std::system((in_root + "git init -q . && git update-index --index-info < index").c_str()), 0);
  std::vector<std::string> globs;
  std::string script;
  for (int i = 0; i < 100; ++i) {
    std::string glob = random.glob();
    // To git, a plain name also stands for what is in the directory of that name.
    if (glob.find_first_of("*?[") == std::string::npos) continue;
    script += "git ls-files ':(glob)" + glob + "' > out." + std::to_string(globs.size()) + "\n";
    globs.push_back(std::move(glob));
  }
  root.write("script", script);
  ASSERT_EQ(std::system((in_root + "sh ./script").c_str()), 0);
  for (size_t i = 0; i < globs.size(); ++i) {
    std::ifstream stream(root.path("out." + std::to_string(i)));
    std::set<std::string> expected;
    for (std::string line; std::getline(stream, line);) expected.insert(line);
    const auto set = compiled({globs[i]});
    for (const std::string& path : paths) {
      const bool found = !matching(*set, path).empty();
      EXPECT_EQ(found, expected.contains(path)) << globs[i] << " on " << path;
    }
  }
}

}  // namespace
}  // namespace kiln::os
