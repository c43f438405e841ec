// `kiln digest` and `kiln paths`, with sha256sum as the oracle of what a digest is.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0";

class DigestCommands : public KilnTest {
 protected:
  // The first line a command prints, which must succeed.
  std::string line(Arguments arguments) {
    const Outcome outcome = kiln(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.substr(0, outcome.out.find('\n'));
  }
};

TEST_F(DigestCommands, AFilesDigestIsThatOfSha256sum) {
  write("f.bin", std::string(300000, 'z'));
  const std::string tree = line({"digest", "capture", "f.bin"});
  const Outcome sum = run({"sha256sum", (workspace() / "f.bin").string()}, {environment(), "", ""});
  const auto listing = kiln({"digest", "ls", "-l", tree}).out;
  EXPECT_NE(listing.find(sum.out.substr(0, 64)), std::string::npos) << listing;
}

TEST_F(DigestCommands, TheEmptyTreeIsTheDigestOfNothing) {
  EXPECT_EQ(line({"digest", "create"}), kEmpty);
  EXPECT_EQ(line({"digest", "merge", kEmpty, kEmpty}), kEmpty);
  EXPECT_EQ(kiln({"digest", "ls", kEmpty}).out, "");
}

TEST_F(DigestCommands, CreateMakesEveryKindOfEntry) {
  write("content", "from a file\n");
  const std::string tree = line({"digest", "create", "a/text=hello", "a/file=@content",
                                 "bin/run+x=#!/bin/sh", "link->a/text", "empty/"});
  EXPECT_EQ(kiln({"digest", "ls", tree}).out, "a/\na/file\na/text\nbin/\nbin/run\nempty/\nlink\n");
  EXPECT_EQ(kiln({"digest", "cat", tree, "a/file"}).out, "from a file\n");
  // The order of the entries does not matter.
  EXPECT_EQ(line({"digest", "create", "empty/", "link->a/text", "bin/run+x=#!/bin/sh",
                  "a/file=@content", "a/text=hello"}),
            tree);
}

TEST_F(DigestCommands, MergeSubsetAndPrefixesAreEachOthersInverses) {
  const std::string a = line({"digest", "create", "a/one=1"});
  const std::string b = line({"digest", "create", "b/two=2"});
  const std::string both = line({"digest", "merge", a, b});
  EXPECT_EQ(line({"digest", "merge", b, a}), both);
  EXPECT_EQ(line({"digest", "subset", both, "a/**"}), a);
  const std::string moved = line({"digest", "add-prefix", both, "x/y"});
  EXPECT_EQ(kiln({"digest", "cat", moved, "x/y/a/one"}).out, "1");
  EXPECT_EQ(line({"digest", "remove-prefix", moved, "x/y"}), both);
  const Outcome wrong = kiln({"digest", "remove-prefix", both, "a"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("b"), std::string::npos) << wrong.err;
}

TEST_F(DigestCommands, AMergeConflictNamesThePathAndBothSides) {
  const std::string a = line({"digest", "create", "same=left", "fine=1"});
  const std::string b = line({"digest", "create", "same=right"});
  const Outcome outcome = kiln({"digest", "merge", a, b});
  EXPECT_EQ(outcome.exit_code, 2);
  for (const char* text : {"same", "left", "right"}) {
    EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(outcome.err.find("fine"), std::string::npos) << outcome.err;
}

TEST_F(DigestCommands, AThousandConflictsAreAnAnswer) {
  Arguments left = {"digest", "create"};
  Arguments right = left;
  for (int i = 0; i < 1000; ++i) {
    left.push_back("dir/path-" + std::to_string(i) + "=left");
    right.push_back("dir/path-" + std::to_string(i) + "=right");
  }
  const Outcome outcome = kiln({"digest", "merge", line(left), line(right)});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("dir/path-0"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find(" more lines"), std::string::npos) << outcome.err;
}

TEST_F(DigestCommands, DiffShowsWhatDiffers) {
  const std::string a = line({"digest", "create", "same=1", "changed=1", "gone=1"});
  const std::string b = line({"digest", "create", "same=1", "changed=2", "new=1"});
  const Outcome outcome = kiln({"digest", "diff", a, b});
  EXPECT_NE(outcome.out.find("changed"), std::string::npos);
  EXPECT_NE(outcome.out.find("gone"), std::string::npos);
  EXPECT_NE(outcome.out.find("new"), std::string::npos);
  EXPECT_EQ(outcome.out.find("same"), std::string::npos);
  EXPECT_EQ(kiln({"digest", "diff", a, a}).out, "");
}

TEST_F(DigestCommands, CaptureAndWriteAreInverse) {
  write("src/a", "a");
  write("src/deep/b", "b");
  ::chmod((workspace() / "src/deep/b").c_str(), 0755);
  const std::string tree = line({"digest", "capture", "src/**"});
  const Outcome written = kiln({"digest", "write", tree, "--prefix", "copy"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(read("copy/src/deep/b"), "b");
  EXPECT_EQ(line({"digest", "remove-prefix", line({"digest", "capture", "copy/**"}), "copy"}),
            tree);
}

TEST_F(DigestCommands, WritingThroughASymlinkThatLeavesTheRootIsRefused) {
  fs::create_directory_symlink("/tmp", workspace() / "out");
  const std::string tree = line({"digest", "create", "inside=1", "out/kiln-escaped=1"});
  const Outcome outcome = kiln({"digest", "write", tree});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("out"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(workspace() / "inside"));
  EXPECT_FALSE(fs::exists("/tmp/kiln-escaped"));
  EXPECT_EQ(kiln({"digest", "write", tree, "--prefix", "../x"}).exit_code, 2);
}

TEST_F(DigestCommands, PathsReadsNoFile) {
  write("a/one.cc", "1");
  write("a/two.h", "2");
  write(".hidden/x.cc", "3");
  EXPECT_EQ(kiln({"paths", "**/*.cc"}).out, "a/one.cc\n");
  EXPECT_EQ(counter("fs.files_hashed"), 0);
}

TEST_F(DigestCommands, AFiveGigabyteFileIsCapturedAndUsed) {
  // Sparse on disk here; every byte is still read, hashed and stored.
  write("big", "");
  fs::resize_file(workspace() / "big", 5'000'000'000);
  const auto document = exec_json({"--input", "big"}, "stat -c %s big");
  EXPECT_EQ(document.value("stdout", ""), "5000000000\n");
  EXPECT_EQ(source_of({"--input", "big"}, "stat -c %s big"), "memoized");
  // What sha256sum says of as many zero bytes, after a quarter of a minute.
  EXPECT_EQ(
      kiln({"digest", "ls", "-l", line({"digest", "capture", "big"})}).out,
      "file  750f9080de24a9e562c6b1fecc288c732a758003ab16e5cad014eba45c17466b/5000000000  big\n");
}

TEST_F(DigestCommands, EntriesNameWhatMakesTheTreeAgain) {
  const std::string one = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b/1";
  const std::string tree = line({"digest", "create", "a/b=1", "run+x=1", "link->a/b", "empty/"});
  EXPECT_EQ(kiln({"digest", "entries", tree}).out, "file  " + one + "  a/b\ndir   " + kEmpty +
                                                       "  empty/\nlink  link -> a/b\nexec  " + one +
                                                       "  run\n");
}

TEST_F(DigestCommands, CatSaysWhatIsThereInsteadOfAFile) {
  const std::string tree = line({"digest", "create", "dir/f=1", "link->dir/f"});
  const auto why = [&](const char* path) { return kiln({"digest", "cat", tree, path}).err; };
  EXPECT_NE(why("link").find("is a symlink to dir/f, not a file"), std::string::npos);
  EXPECT_NE(why("dir").find("is a directory, not a file"), std::string::npos);
  EXPECT_NE(why("nothing").find("no file nothing"), std::string::npos);
}

TEST_F(DigestCommands, CreateCanSayEveryName) {
  const std::string tree = line({"digest", "create", R"(a\=b=1)", R"(a\->b=2)", R"(a\+x=3)",
                                 R"(back\\slash=4)", R"(l\=k->a=b)"});
  EXPECT_EQ(kiln({"digest", "ls", "-l", tree}).out.find("exec"), std::string::npos);
  EXPECT_EQ(kiln({"digest", "ls", tree}).out, "a+x\na->b\na=b\nback\\slash\nl=k\n");
  EXPECT_EQ(kiln({"digest", "cat", tree, "a->b"}).out, "2");
  // What is printed as JSON makes the same tree.
  const Outcome listed = kiln({"--json", "digest", "entries", tree});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  const Outcome made = kiln({"digest", "create", "--entries", "-"}, listed.out);
  EXPECT_EQ(made.out, tree + "\n") << made.err;
}

TEST_F(DigestCommands, TheDigestOfAFileIsToldFromThatOfATree) {
  const std::string file = exec_json({}, "echo hello")["stdout_digest"];
  const std::string tree = line({"digest", "create", "f=hello"});
  for (const Arguments& command :
       {Arguments{"digest", "ls", file}, Arguments{"digest", "cat", file, "f"},
        Arguments{"digest", "entries", file}, Arguments{"digest", "write", file},
        Arguments{"digest", "merge", tree, file}, Arguments{"digest", "diff", file, tree},
        Arguments{"digest", "subset", file, "**"}, Arguments{"digest", "add-prefix", file, "p"},
        Arguments{"exec", "--digest", file, "--", "true"}}) {
    const Outcome outcome = kiln(command);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("is the digest of a file, not of a tree"), std::string::npos)
        << outcome.err;
  }
  const Outcome mixed = kiln({"digest", "create", "f=@digest:" + tree});
  EXPECT_NE(mixed.err.find("is the digest of a tree, not of a file"), std::string::npos)
      << mixed.err;
}

TEST_F(DigestCommands, ADownloadCanBeRun) {
  write("tool", "#!/bin/sh\necho tool runs\n");
  const fs::path tool = workspace() / "tool";
  const std::string sum =
      run({"sha256sum", tool.string()}, {environment(), "", ""}).out.substr(0, 64);
  const std::string size = std::to_string(fs::file_size(tool));
  const Arguments source = {"file://" + tool.string(), sum, size};
  const std::string executable =
      line({"digest", "download", "-x", source[0], source[1], source[2]});
  EXPECT_EQ(kiln({"exec", "--digest", executable, "--", "./tool"}).out, "tool runs\n");
  const std::string renamed =
      line({"digest", "create", "bin/renamed+x=@digest:" + sum + "/" + size});
  EXPECT_EQ(kiln({"exec", "--digest", renamed, "--", "bin/renamed"}).out, "tool runs\n");
}

TEST_F(DigestCommands, NoTwoContentsHaveOneJson) {
  std::set<std::string> forms;
  for (const std::string& content : {std::string("\xff"), std::string("\\xff"),
                                     std::string("{\"base64\":\"/w==\"}"), std::string("/w==")}) {
    write("f", content);
    const std::string tree = line({"digest", "capture", "f"});
    const Outcome shown = kiln({"rules", "query", "DigestContents", "Digest=\"" + tree + "\""});
    ASSERT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_TRUE(forms.insert(shown.out).second) << shown.out;
  }
  EXPECT_EQ(exec_json({}, "printf '\\377'")["stdout"]["base64"], "/w==");
}

TEST_F(DigestCommands, AnEmptyFileIsAFile) {
  write("empty", "");
  EXPECT_EQ(kiln({"digest", "ls", line({"digest", "capture", "empty"})}).out, "empty\n");
  EXPECT_EQ(kiln({"exec", "--input", "empty", "--", "wc", "-c", "empty"}).out, "0 empty\n");
}

}  // namespace
}  // namespace kiln::test
