// Specs as people type them: where they are typed, what they match, what is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Specs : public KilnTest {
 protected:
  Specs() {
    write("kiln.toml", "");
    write("a.sh", "#!/bin/sh\nls \"$1\"\n");
    write("sub/b.sh", "#!/bin/sh\nls \"$1\"\n");
    write("sub/deep/c.sh", "#!/bin/sh\nls \"$1\"\n");
  }
  void link(const std::string& target, const std::string& path) {
    std::filesystem::create_directories((workspace() / path).parent_path());
    std::filesystem::create_symlink(target, workspace() / path);
  }
};

TEST_F(Specs, ADotIsTheFilesOfTheDirectory) {
  EXPECT_EQ(kiln({"list", "."}).out, "a.sh\nkiln.toml\n");
  EXPECT_EQ(kiln({"list", "./"}).out, kiln({"list", "."}).out);
  EXPECT_EQ(kiln({"list", "./a.sh"}).out, "a.sh\n");
  EXPECT_EQ(kiln({"lint", "."}).exit_code, 0);
  EXPECT_EQ(kiln_in("sub", {"list", "."}).out, "b.sh\n");
}

TEST_F(Specs, AreRelativeToTheCurrentDirectory) {
  EXPECT_EQ(kiln_in("sub", {"list", "b.sh"}).out, "b.sh\n");
  EXPECT_EQ(kiln_in("sub", {"list", "*.sh", "deep/"}).out, "b.sh\ndeep/c.sh\n");
  EXPECT_EQ(kiln_in("sub", {"list", "../a.sh"}).out, "../a.sh\n");
  EXPECT_EQ(kiln_in("sub", {"list", ".::", "-deep::"}).out, "b.sh\n");
  EXPECT_EQ(kiln_in("sub", {"list", "--root-relative", "::"}).out, kiln({"list", "::"}).out);
  EXPECT_EQ(kiln_in("sub", {"list", "//sub/b.sh", "//a.sh"}).out, "../a.sh\nb.sh\n");
  EXPECT_EQ(kiln({"list", (workspace() / "sub/b.sh").string()}).out, "sub/b.sh\n");
}

TEST_F(Specs, OfADirectoryThatLooksLikeAGlobAreFound) {
  write("[odd]/a.sh", "");
  EXPECT_EQ(kiln_in("[odd]", {"list", "a.sh"}).out, "a.sh\n");
  EXPECT_EQ(kiln_in("[odd]", {"list", "*"}).out, "a.sh\n");
  EXPECT_EQ(kiln_in("[odd]", {"list", "."}).out, "a.sh\n");
}

TEST_F(Specs, NoneAtAllIsAQuestion) {
  for (const char* goal : {"list", "lint"}) {
    const Outcome outcome = kiln({goal});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("which files?"), HasSubstr("`kiln lint ::`")));
  }
}

TEST_F(Specs, EverythingOfAnEmptyWorkspaceIsNothing) {
  const auto empty = temp_path() / "empty";
  std::filesystem::create_directories(empty / ".git");
  for (const char* goal : {"list", "lint"}) {
    const Outcome outcome = kiln_in(empty, {goal, "::"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, "- no files.\n");
  }
}

TEST_F(Specs, ThatMatchDirectoriesOnlySaySo) {
  const Outcome outcome = kiln({"list", "s*"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("'s*' matches no file, only directories; `sub::` is all"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("spec_files"))) << "which rule found out is no help";
}

TEST_F(Specs, ThatMatchNothingNameWhatIsNearestToThePartThatIsNotThere) {
  EXPECT_THAT(kiln({"list", "sub/deap/c.sh"}).err, HasSubstr("did you mean sub/deep?"));
  EXPECT_THAT(kiln({"list", "Sub::"}).err, HasSubstr("did you mean sub::?"));
  EXPECT_THAT(kiln({"list", "sub/dep/"}).err, HasSubstr("did you mean sub/deep?"));
  EXPECT_THAT(kiln({"list", "a.sh::"}).err, HasSubstr("it is one itself, and no directory"));
}

TEST_F(Specs, ThatAreHiddenSayByWhat) {
  write(".gitignore", "made/\n");
  write("made/x.sh", "#!/bin/sh\n");
  EXPECT_EQ(kiln({"list", "made/x.sh"}).out, "made/x.sh\n") << "what is named is meant";
  for (const char* spec : {"made/*.sh", "made::", "made/"}) {
    const Outcome outcome = kiln({"lint", spec});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("made exists but is hidden by line 1 of .gitignore (made/)"))
        << spec;
  }
}

TEST_F(Specs, ThatAreNoPathsAreRefusedAsSpecs) {
  const Outcome outcome = kiln({"list", "a["});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("the spec 'a[' cannot be used: "));
  const Outcome outside = kiln({"rules", "query", "SpecFiles", "--spec", "/etc/passwd"});
  EXPECT_EQ(outside.exit_code, 2);
  EXPECT_THAT(outside.err, HasSubstr("the spec '/etc/passwd'"));
}

TEST_F(Specs, ThatTakeNothingAwayAreWarnedOf) {
  const Outcome outcome = kiln({"list", "::", "-nowhere::", "-*.txt", "-sub::"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "a.sh\nkiln.toml\n");
  EXPECT_EQ(outcome.err,
            "kiln: warning: the spec '-*.txt' takes nothing away\n"
            "kiln: warning: the spec '-nowhere::' takes nothing away\n");
}

TEST_F(Specs, ThatAreTakenAwayAltogetherLeaveNothing) {
  const Outcome outcome = kiln({"list", "sub/b.sh", "-sub::"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Specs, TakingFilesOfADirectoryAwayLeavesWhatIsBelow) {
  EXPECT_EQ(kiln({"list", "sub::", "-sub/"}).out, "sub/deep/c.sh\n");
  EXPECT_EQ(kiln({"list", "sub::", "-sub/*"}).out, "sub/deep/c.sh\n");
}

TEST_F(Specs, WhatCannotBeTakenIsLeftOutWithAWarning) {
  write("bad\xff.sh", "#!/bin/sh\n");
  link("loop", "links/loop");
  link("..", "links/up");
  link("/etc/passwd", "links/outside");
  const Outcome list = kiln({"list", "links::", "sub::", "*.sh"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, AllOf(HasSubstr("sub/b.sh\n"), HasSubstr("a.sh\n")));
  EXPECT_THAT(list.err,
              AllOf(HasSubstr("kiln: warning: left out bad\\xff.sh: the name is not valid UTF-8\n"),
                    HasSubstr("kiln: warning: left out links/loop: the link leads to itself\n"),
                    HasSubstr("kiln: warning: left out links/outside: the link leads out of the "
                              "workspace\n")));
  const Outcome lint = kiln({"lint", "--json", "links::", "a.sh"});
  EXPECT_EQ(lint.exit_code, 0) << lint.err;
  const auto first = nlohmann::json::parse(lint.out.substr(0, lint.out.find('\n')));
  EXPECT_EQ(first["warnings"][0], "left out links/loop: the link leads to itself");
  EXPECT_EQ(kiln({"list", "::", "-links::", "-*.sh"}).err,
            "kiln: warning: left out bad\\xff.sh: the name is not valid UTF-8\n")
      << "nothing is said of what was taken away";
}

TEST_F(Specs, ALinkThatIsLeftOutSaysWhyItMatchesNothing) {
  link("/etc/passwd", "outside");
  const Outcome outcome = kiln({"lint", "outside"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("the link leads out of the workspace"));
}

}  // namespace
}  // namespace kiln::test
