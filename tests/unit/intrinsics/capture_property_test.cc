// Random trees under random edits: what the graph remembers is what a fresh look finds, and what
// git shows.
#include <cstdio>
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

// NUL-separated names.
std::set<std::string> names_of(const std::string& command, const std::string& prefix = "") {
  std::set<std::string> names;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string name;
  for (int c; (c = std::fgetc(pipe)) != EOF;) {
    if (c != 0) {
      name += static_cast<char>(c);
    } else {
      names.insert(prefix + std::exchange(name, ""));
    }
  }
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return names;
}

// What git shows in a work tree and in the work trees inside it: tracked files that exist, and
// others that no rule ignores.
class AgreesWithGit : public CaptureProperty {
 protected:
  static std::string git(const std::string& directory) {
    return "env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -c "
           "core.excludesFile=/dev/null "
           "-c user.name=n -c user.email=e@x -C '" +
           directory + "' ";
  }
  std::set<std::string> shown_by_git(const std::string& directory) {
    std::set<std::string> files;
    const std::string at = disk_.path(directory);
    const std::string prefix = directory.empty() ? "" : directory + "/";
    for (const std::string& name :
         names_of(git(at) + "ls-files -co -z --exclude-standard --deduplicate", prefix)) {
      if (!name.ends_with('/')) {
        if (std::filesystem::is_regular_file(disk_.path(name))) files.insert(name);
        continue;
      }
      // Another repository, which git does not look into from here.
      for (const std::string& inner : shown_by_git(name.substr(0, name.size() - 1))) {
        files.insert(inner);
      }
    }
    return files;
  }
  std::set<std::string> shown_by_kiln() {
    std::set<std::string> files;
    for (std::string line : captured({"**"})) {
      if (line.ends_with('/')) continue;  // git knows no empty directories
      line.resize(line.find('='));
      if (line.ends_with('*')) line.pop_back();
      files.insert(line);
    }
    return files;
  }
  void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }
};

TEST_F(AgreesWithGit, AfterAnyEditsWithoutLinks) {
  run(git(disk_.path()) + "init -q .");
  for (int round = 0; round < rounds(25); ++round) {
    for (size_t n = 1 + below(8); n > 0; --n) edit(false);
    ASSERT_EQ(shown_by_kiln(), shown_by_git("")) << "round " << round;
  }
}

TEST_F(AgreesWithGit, WithTrackedFilesAndRepositoriesInside) {
  run(git(disk_.path()) + "init -q .");
  for (int round = 0; round < rounds(25); ++round) {
    for (size_t n = 1 + below(6); n > 0; --n) edit(false);
    const std::string path = random_path();
    std::error_code ignored;
    switch (below(4)) {
      case 0:
        if (std::filesystem::is_regular_file(disk_.path(path), ignored)) {
          (void)std::system((git(disk_.path()) + "add -f '" + path + "' 2>/dev/null").c_str());
        }
        break;
      case 1:
        (void)std::system(
            (git(disk_.path()) + "rm -rq --cached '" + path + "' 2>/dev/null").c_str());
        break;
      case 2:
        if (std::filesystem::is_directory(disk_.path(path), ignored)) {
          // What an outer repository tracks inside another belongs to both. Nobody means that.
          run(git(disk_.path()) + "rm -rq --cached --ignore-unmatch '" + path + "'");
          run(git(disk_.path(path)) + "init -q .");
          write(path + "/.git/info/exclude", random_rules());
        }
        break;
      case 3:
        write(".git/info/exclude", random_rules());
        break;
    }
    run(git(disk_.path()) + "ls-files -d -z | xargs -0r " + git(disk_.path()) +
        "rm -q --cached --ignore-unmatch --");
    ASSERT_EQ(shown_by_kiln(), shown_by_git("")) << "round " << round;
  }
}

}  // namespace
}  // namespace kiln::intrinsics
