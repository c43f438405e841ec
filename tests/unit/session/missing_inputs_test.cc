#include "daemon/session/missing_inputs.h"

#include <gmock/gmock.h>

#include "daemon/store/tree.h"
#include "tests/support/temp_directory.h"

namespace kiln::session {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_in(std::string_view output) {
  std::vector<std::string> names;
  for (const NotFound& found : not_found_in(output)) names.push_back(found.name);
  return names;
}

// Lines as the tools print them: gcc 12, clang 16, Python 3.11, dash, bash, coreutils 9.1,
// make 4.3, Node 18, perl 5.36, sed 4.8.
TEST(NotFoundIn, KnowsTheWordsOfTools) {
  const std::pair<std::string_view, std::string_view> lines[] = {
      {"src/a.c:1:10: fatal error: b.h: No such file or directory", "b.h"},
      {"src/a.c:1:10: fatal error: 'b.h' file not found", "b.h"},
      {"cc1: fatal error: a.c: No such file or directory", "a.c"},
      {"clang: error: no such file or directory: 'a.c'", "a.c"},
      {"FileNotFoundError: [Errno 2] No such file or directory: 'data/x.txt'", "data/x.txt"},
      {"/usr/bin/python3: can't open file '/sandbox/x.py': [Errno 2] No such file or directory",
       "/sandbox/x.py"},
      {"cat: some file: No such file or directory", "some file"},
      {"ls: cannot access 'x': No such file or directory", "x"},
      {"cp: cannot stat 'lib/x': No such file or directory", "lib/x"},
      {"sh: 1: .: cannot open lib.sh: No such file", "lib.sh"},
      {"sh: 1: ./run.sh: not found", "./run.sh"},
      {"bash: line 1: ./run.sh: No such file or directory", "./run.sh"},
      {"make: *** No rule to make target 'b.c', needed by 'b.o'.  Stop.", "b.c"},
      {"Error: ENOENT: no such file or directory, open 'conf.json'", "conf.json"},
      {"Error: Cannot find module './util.js'", "./util.js"},
      {"sed: can't read x.txt: No such file or directory", "x.txt"},
      {"grep: x.txt: No such file or directory", "x.txt"}};
  for (const auto& [line, name] : lines) {
    EXPECT_THAT(names_in(line), ElementsAre(name)) << line;
  }
  EXPECT_THAT(names_in("ModuleNotFoundError: No module named 'pkg.mod'"),
              ElementsAre("pkg/mod.py", "pkg/mod/__init__.py"));
}

TEST(NotFoundIn, LooksAtEachLineAndTellsEachNameOnce) {
  EXPECT_THAT(names_in("cat: a: No such file or directory\nfine\n"
                       "cat: b: No such file or directory\ncat: a: No such file or directory\n"),
              ElementsAre("a", "b"));
  EXPECT_THAT(names_in("sh: 1: frobnicate: not found\nall is well\n: No such file or directory"),
              IsEmpty())
      << "a command is no file";
  EXPECT_THAT(names_in(std::string(1 << 20, 'x') + ": No such file or directory"), IsEmpty());
}

class MissingInputs : public testing::Test {
 protected:
  std::vector<std::string> hints(std::string_view output) {
    return missing_inputs(root_.path(), process_, output);
  }
  void SetUp() override {
    for (const char* file : {"src/a.c", "src/b.h", "include/c.h", "data", "pkg/mod.py"}) {
      root_.write(file, "");
    }
    process_.argv = {"cc", "-Iinclude", "-c", "src/a.c"};
    process_.inputs = store::Tree::make({});
  }

  test::TempDirectory root_;
  exec::Process process_;
};

TEST_F(MissingInputs, AreLookedForWhereTheToolLooks) {
  EXPECT_THAT(hints("src/a.c:1:10: fatal error: b.h: No such file or directory"),
              ElementsAre("src/b.h"));
  EXPECT_THAT(hints("src/a.c:2:10: fatal error: 'c.h' file not found"), ElementsAre("include/c.h"));
  EXPECT_THAT(hints("No module named 'pkg.mod'"), ElementsAre("pkg/mod.py"));
  EXPECT_THAT(hints("cat: " + root_.path("data") + ": No such file or directory"),
              ElementsAre("data"));
  EXPECT_THAT(hints("can't open file '/sandbox/data'"), ElementsAre("data"));
  process_.working_directory = *RelPath::parse("src");
  EXPECT_THAT(hints("a.c:1:10: fatal error: b.h: No such file or directory"),
              ElementsAre("src/b.h"));
}

TEST_F(MissingInputs, AreInTheWorkspaceAndNoInputs) {
  EXPECT_THAT(hints("cat: nowhere: No such file or directory"), IsEmpty());
  EXPECT_THAT(hints("cat: /etc/passwd: No such file or directory"), IsEmpty());
  EXPECT_THAT(hints("cat: ../../etc/passwd: No such file or directory"), IsEmpty());
  EXPECT_THAT(hints("cat: src: No such file or directory"), IsEmpty()) << "a directory";
  process_.inputs = store::Tree::make({{"data", store::File{file_digest_of(""), false}}});
  EXPECT_THAT(hints("cat: data: No such file or directory"), IsEmpty()) << "it was there";
}

}  // namespace
}  // namespace kiln::session
