// Random trees under random edits: what the graph remembers is what a fresh look finds, and what
// git would list.
#include <cstdlib>
#include <random>
#include <set>

#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

int rounds(int usual) {
  const char* wanted = std::getenv("KILN_FUZZ_ROUNDS");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}

class CaptureProperty : public test::EngineFixture {
 protected:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  // Few names, so that files, directories and links meet.
  std::string random_path() {
    static const std::vector<std::string> names = {"a", "b", "c.log", "d", "build", ".hidden"};
    std::string path = names[below(names.size())];
    for (size_t depth = below(3); depth > 0; --depth) path += "/" + names[below(names.size())];
    return path;
  }
  std::string random_rules() {
    static const std::vector<std::string> rules = {"*.log", "build/", "!c.log",  "/a/b",
                                                   "d",     "a/**/d", "!build/", ".hidden"};
    std::string text;
    for (size_t n = below(4); n > 0; --n) text += rules[below(rules.size())] + "\n";
    return text;
  }

  void edit(bool with_links) {
    std::error_code ignored;
    const std::string path = random_path();
    const std::filesystem::path at = disk_.path(path);
    switch (below(with_links ? 9 : 8)) {
      case 0:
      case 1:
      case 2:
        std::filesystem::create_directories(at.parent_path(), ignored);
        // Through whatever stands there, a link too: that is an edit of its target.
        std::ofstream(at, std::ios::trunc) << below(4);
        break;
      case 3:
        std::filesystem::remove_all(at, ignored);
        break;
      case 4:
        std::filesystem::rename(at, disk_.path(random_path()), ignored);
        break;
      case 5:
        std::filesystem::create_directories(at, ignored);
        break;
      case 6: {
        const auto holder = at.parent_path();
        if (std::filesystem::is_directory(holder, ignored)) {
          std::ofstream(holder / ".gitignore", std::ios::trunc) << random_rules();
        }
        break;
      }
      case 7:
        ::chmod(at.c_str(), std::filesystem::is_directory(at, ignored) || below(2) ? 0755 : 0644);
        break;
      case 8: {
        const std::string target = below(6) == 0 ? "/etc" : random_path();
        std::filesystem::create_symlink(target, at, ignored);
        break;
      }
    }
  }

  std::mt19937 random_{20240601};
};

TEST_F(CaptureProperty, TheGraphAgreesWithAFreshLookAfterAnyEdits) {
  const std::vector<std::vector<std::string>> queries = {
      {"**"}, {"**/*.log", "a/**"}, {"*/b", "d/*", "!**/build"}, {"a/b/d", ".hidden/**"}};
  for (int round = 0; round < rounds(120); ++round) {
    for (size_t n = 1 + below(5); n > 0; --n) edit(true);
    for (const auto& globs : queries) {
      const std::string ignore = below(2) == 0 ? "" : "build/\n";
      const auto warm = try_capture(globs, ignore);
      const auto cold = try_capture_from_scratch(globs, ignore);
      ASSERT_EQ(warm.ok(), cold.ok()) << "round " << round;
      if (!warm.ok()) {
        EXPECT_EQ(warm.error().code(), cold.error().code()) << "round " << round;
        continue;
      }
      ASSERT_EQ(shown(*warm->tree), shown(*cold->tree)) << "round " << round;
      ASSERT_EQ(warm->unmatched, cold->unmatched) << "round " << round;
      ASSERT_EQ(warm->notes, cold->notes) << "round " << round;
    }
  }
}

TEST_F(CaptureProperty, WithoutLinksItIsWhatGitLists) {
  ASSERT_EQ(std::system(("git init -q " + disk_.path()).c_str()), 0);
  for (int round = 0; round < rounds(25); ++round) {
    for (size_t n = 1 + below(8); n > 0; --n) edit(false);
    std::set<std::string> ours;
    for (std::string line : captured({"**"}, ".git/\n")) {
      if (line.ends_with('/')) continue;  // git knows no empty directories
      line.resize(line.find('='));
      if (line.ends_with('*')) line.pop_back();
      ours.insert(line);
    }
    const std::string command = "git -c core.excludesFile=/dev/null -C " + disk_.path() +
                                " ls-files -o -z --exclude-standard";
    std::set<std::string> gits;
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string name;
    for (int c; (c = std::fgetc(pipe)) != EOF;) {
      if (c != 0) {
        name += static_cast<char>(c);
      } else {
        gits.insert(std::exchange(name, ""));
      }
    }
    ASSERT_EQ(::pclose(pipe), 0);
    ASSERT_EQ(ours, gits) << "round " << round;
  }
}

}  // namespace
}  // namespace kiln::intrinsics
