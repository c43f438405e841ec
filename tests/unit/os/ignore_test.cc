#include "daemon/os/ignore.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

using test::TempDirectory;

RelPath rel(std::string_view text) { return *RelPath::parse(text); }

// "+" ignored, "-" by a '!' pattern not ignored, then the line; "" for no match.
std::string decision(const std::optional<IgnoreRules::Match>& match) {
  if (!match) return "";
  return (match->ignored ? "+" : "-") + std::to_string(match->line);
}

std::string decide(std::string_view rules, std::string_view path, bool is_directory = false) {
  return decision(IgnoreRules::parse(rules, "test")->match(path, is_directory));
}

TEST(IgnoreRules, TheLastMatchDecides) {
  EXPECT_EQ(decide("*.o\n!keep.o\n", "a/keep.o"), "-2");
  EXPECT_EQ(decide("*.o\n!keep.o\n", "a/b.o"), "+1");
  EXPECT_EQ(decide("*.o\n!keep.o\n", "a/b.c"), "");
}

TEST(IgnoreRules, AMiddleSlashAnchors) {
  EXPECT_EQ(decide("a/b", "a/b"), "+1");
  EXPECT_EQ(decide("a/b", "x/a/b"), "");
  EXPECT_EQ(decide("/b", "a/b"), "");
  EXPECT_EQ(decide("b", "a/b"), "+1");
}

TEST(IgnoreRules, ATrailingSlashIsForDirectories) {
  EXPECT_EQ(decide("build/", "x/build", true), "+1");
  EXPECT_EQ(decide("build/", "x/build", false), "");
}

TEST(IgnoreRules, ReadsLinesAsGitDoes) {
  EXPECT_EQ(decide("\xEF\xBB\xBF"
                   "a\r\n# b\n\\#c\nd  \ne\\ \n\\!f\nlast",
                   "a"),
            "+1");
  const char* rules = "# b\n\\#c\nd  \ne\\ \n\\!f\ng\t\nlast";
  EXPECT_EQ(decide(rules, "# b"), "");
  EXPECT_EQ(decide(rules, "#c"), "+2");
  EXPECT_EQ(decide(rules, "d"), "+3");
  EXPECT_EQ(decide(rules, "e "), "+4");
  EXPECT_EQ(decide(rules, "!f"), "+5");
  EXPECT_EQ(decide(rules, "g"), "");
  EXPECT_EQ(decide(rules, "last"), "+7");
}

TEST(IgnoreStack, DeeperRulesDecideFirst) {
  const auto top = IgnoreRules::parse("*.log\n", ".gitignore");
  const auto nested = IgnoreRules::parse("!/a.log\n", "sub/.gitignore");
  const IgnoreStack root = IgnoreStack().push(RelPath(), top);
  const IgnoreStack sub = root.push(rel("sub"), nested);
  EXPECT_EQ(decision(sub.match(rel("sub/a.log"), false)), "-1");
  EXPECT_EQ(decision(sub.match(rel("sub/b.log"), false)), "+1");
  EXPECT_EQ(decision(sub.match(rel("subway/a.log"), false)), "+1");
  EXPECT_EQ(sub.match(rel("sub/x/a.log"), false)->source, ".gitignore");
  EXPECT_EQ(decision(root.match(rel("sub/a.log"), false)), "+1") << "the parent's is unchanged";
}

TEST(IgnoreStack, EqualRulesMakeEqualStacks) {
  const auto rules = [] { return IgnoreRules::parse("a\n", "x"); };
  EXPECT_EQ(IgnoreStack().push(rel("d"), rules()), IgnoreStack().push(rel("d"), rules()));
  EXPECT_FALSE(IgnoreStack().push(rel("d"), rules()) == IgnoreStack().push(rel("e"), rules()));
  EXPECT_FALSE(IgnoreStack().push(rel("d"), rules()) == IgnoreStack());
  EXPECT_EQ(IgnoreStack().push(rel("d"), IgnoreRules::parse("# only\n", "x")), IgnoreStack());
}

// A random tree with .gitignore files in it, asked of git and of IgnoreStack.
class Scenario {
 public:
  explicit Scenario(uint32_t seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) {
      for (RelPath at = rel(path(3)); !at.is_root(); at = at.parent())
        directories_.insert(at.str());
    }
    directories_.insert("");
    for (const std::string& directory : directories_) {
      if (directory.empty() || chance(40)) rules_[directory] = rules();
    }
    for (int i = 0; i < 600; ++i) asked_.insert(path(4));
    asked_.insert(std::next(directories_.begin()), directories_.end());
  }

  // "path: git says …, kiln says …" for every difference.
  std::string differences() const {
    const std::map<std::string, std::string> expected = ask_git();
    std::string report;
    for (const std::string& path : asked_) {
      const auto it = expected.find(path);
      const std::string git = it == expected.end() ? "" : it->second;
      const std::string kiln = ask_kiln(path);
      if (git == kiln) continue;
      report += "'" + path + "': git says '" + git + "', kiln says '" + kiln + "'\n";
    }
    if (report.empty()) return report;
    for (const auto& [directory, text] : rules_) {
      report += "--- " + directory + "/.gitignore\n" + printable(text) + "\n";
    }
    return report;
  }

 private:
  uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }
  bool chance(uint32_t percent) { return below(100) < percent; }

  std::string name() {
    static constexpr const char* kLetters[] = {"a",   "b",   "c",      "ab", "ba",  "a.c",
                                               "b.c", "foo", "foobar", "*",  "a b", "[a]",
                                               "!a",  "#a",  "a-b",    "-"};
    return kLetters[below(std::size(kLetters))];
  }
  std::string path(uint32_t max_depth) {
    std::string path = name();
    for (uint32_t depth = below(max_depth); depth > 0; --depth) path += "/" + name();
    return path;
  }
  std::string atom() {
    static constexpr const char* kAtoms[] = {
        "*",          "?",           "**",    "**/",   "/**/",    "/**",     "/",    "\\",
        "\\*",        "\\/",         "[ab]",  "[!a]",  "[^b]",    "[a-c]",   "[]a]", "[",
        "[[:alpha:]", "[[:alpha:]]", "[a-",   "[-a]",  "[[:x:]]", "[[:a]",   " ",    "\\ ",
        "#",          "!",           "*.c",   "*a",    "a*",      "foo*",    "**a",  "**\\/",
        "***",        "[\\a]",       "[a\\]", "[c-a]", "\t",      "\xc3\xa9"};
    return chance(45) ? name() : kAtoms[below(std::size(kAtoms))];
  }
  std::string rules() {
    std::string text = chance(5) ? "\xEF\xBB\xBF" : "";
    for (uint32_t lines = 1 + below(6); lines > 0; --lines) {
      if (chance(25)) text += "!";
      if (chance(15)) text += "/";
      for (uint32_t atoms = 1 + below(4); atoms > 0; --atoms) text += atom();
      if (chance(20)) text += "/";
      if (chance(5)) text += "  ";
      text += chance(5) ? "\r\n" : "\n";
    }
    if (chance(10)) text.pop_back();
    return text;
  }

  std::string ask_kiln(const std::string& path) const {
    IgnoreStack stack;
    RelPath at;
    for (const std::string& component : components(path)) {
      if (const auto it = rules_.find(at.str()); it != rules_.end()) {
        stack = stack.push(at, IgnoreRules::parse(it->second, at.child(".gitignore").str()));
      }
      at = at.child(component);
      const bool is_directory = at.str() != path || directories_.contains(path);
      const auto match = stack.match(at, is_directory);
      if (match && (match->ignored || at.str() == path)) return show(*match);
    }
    return "";
  }
  static std::string show(const IgnoreRules::Match& match) {
    return std::string(match.source) + ":" + std::to_string(match.line) + ":" +
           std::string(match.pattern);
  }
  static std::vector<std::string> components(const std::string& path) {
    std::vector<std::string> parts;
    for (const auto& part : std::filesystem::path(path)) parts.push_back(part.string());
    return parts;
  }

  std::map<std::string, std::string> ask_git() const {
    TempDirectory root = TempDirectory::in_memory();
    for (const std::string& directory : directories_) root.make_directory("w/" + directory);
    for (const auto& [directory, text] : rules_) {
      root.write("w/" + rel(directory).child(".gitignore").str(), text);
    }
    std::string question;
    for (const std::string& path : asked_) question += path + std::string(1, '\0');
    root.write("in", question);
    const std::string command =
        "cd '" + root.path("w") +
        "' && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 && git init -q . && "
        "git check-ignore --no-index -v -z --stdin < ../in > ../out";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1) << "git failed: " << status;
    return parse(root.path("out"));
  }
  // Records of <source> NUL <line> NUL <pattern> NUL <path> NUL.
  static std::map<std::string, std::string> parse(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::map<std::string, std::string> answers;
    std::string source, line, pattern, path;
    while (std::getline(stream, source, '\0') && std::getline(stream, line, '\0') &&
           std::getline(stream, pattern, '\0') && std::getline(stream, path, '\0')) {
      answers[path] = source + ":" + line + ":" + pattern;
    }
    return answers;
  }

  std::mt19937 random_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> rules_;  // directory → its .gitignore
  std::set<std::string> asked_;
};

// KILN_FUZZ_ROUNDS=n runs n rounds.
uint32_t rounds(uint32_t usual) {
  const char* wanted = std::getenv("KILN_FUZZ_ROUNDS");
  return wanted != nullptr ? static_cast<uint32_t>(std::atoi(wanted)) : usual;
}

TEST(IgnoreStack, AgreesWithGitOnRandomRulesAndTrees) {
  for (uint32_t seed = 1; seed <= rounds(40); ++seed) {
    const std::string differences = Scenario(seed).differences();
    ASSERT_EQ(differences, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace kiln::os
