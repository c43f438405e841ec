#include "client/tree_spec.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(TreeSpec, ReadsEverySpelling) {
  const auto text = parse_tree_spec("a/b=some=text -> here");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->entry.path(), "a/b");
  EXPECT_EQ(text->entry.content(), "some=text -> here");
  EXPECT_FALSE(text->entry.is_executable());

  const auto script = parse_tree_spec("run+x=#!/bin/sh");
  EXPECT_EQ(script->entry.path(), "run");
  EXPECT_TRUE(script->entry.is_executable());

  const auto file = parse_tree_spec("bin+x=@/some/file");
  EXPECT_EQ(file->upload, "/some/file");
  EXPECT_TRUE(file->entry.is_executable());
  EXPECT_EQ(file->entry.kind_case(), v1::CreateRequest::Entry::KIND_NOT_SET);

  EXPECT_EQ(parse_tree_spec("at=@@home")->entry.content(), "@home");
  EXPECT_EQ(parse_tree_spec("empty=")->entry.kind_case(), v1::CreateRequest::Entry::kContent);
  EXPECT_EQ(parse_tree_spec("link->a=b")->entry.symlink_target(), "a=b");
  const auto directory = parse_tree_spec("d/e//");
  EXPECT_TRUE(directory->entry.directory());
  EXPECT_EQ(directory->entry.path(), "d/e");
}

TEST(TreeSpec, ABackslashMakesASignAPartOfTheName) {
  const auto path_of = [](const char* argument) {
    const auto spec = parse_tree_spec(argument);
    EXPECT_TRUE(spec.ok()) << argument;
    return spec.ok() ? spec->entry.path() : "";
  };
  EXPECT_EQ(path_of(R"(a\=b=text)"), "a=b");
  EXPECT_EQ(path_of(R"(a\->b=text)"), "a->b");
  EXPECT_EQ(path_of(R"(a-\>b=text)"), "a->b");
  EXPECT_EQ(path_of(R"(a\+x=text)"), "a+x");
  EXPECT_EQ(path_of(R"(a+\x+x=text)"), R"(a+\x)");
  EXPECT_EQ(path_of(R"(a\\=text)"), R"(a\)");
  EXPECT_EQ(path_of(R"(a\\\=b->t)"), R"(a\=b)");
  EXPECT_EQ(path_of(R"(dos\name=text)"), R"(dos\name)");
  EXPECT_EQ(path_of(R"(a\=b\->c\+x/)"), "a=b->c+x");
  EXPECT_EQ(path_of(R"(@a=text)"), "@a");
  EXPECT_FALSE(parse_tree_spec(R"(a\+x=text)")->entry.is_executable());
  EXPECT_TRUE(parse_tree_spec(R"(a\+x+x=text)")->entry.is_executable());
  EXPECT_EQ(parse_tree_spec(R"(a\+x+x=text)")->entry.path(), "a+x");
  EXPECT_EQ(parse_tree_spec(R"(a=\=b\->)")->entry.content(), R"(\=b\->)");
  EXPECT_EQ(parse_tree_spec(R"(a->\=b)")->entry.symlink_target(), R"(\=b)");
}

TEST(TreeSpec, TakesAFileByItsDigest) {
  const std::string hash(64, 'a');
  const auto tool = parse_tree_spec("bin/tool+x=@digest:" + hash + "/12");
  ASSERT_TRUE(tool.ok());
  EXPECT_EQ(tool->entry.file_digest().hash(), hash);
  EXPECT_EQ(tool->entry.file_digest().size_bytes(), 12);
  EXPECT_TRUE(tool->entry.is_executable());
  EXPECT_EQ(tool->upload, "");
  EXPECT_FALSE(parse_tree_spec("a=@digest:xyz").ok());
  EXPECT_EQ(parse_tree_spec("a=digest:xyz")->entry.content(), "digest:xyz");
}

TEST(TreeEntries, AreLinesOrAnArray) {
  const std::string hash(64, 'a');
  const std::string file = R"({"path": "a=b->c+x", "content": "text", "is_executable": true})";
  const std::string listed =
      R"({"path":"f","kind":"file","digest":")" + hash + R"(/3","is_executable":false})";
  const std::string link = R"({"path":"l","kind":"symlink","symlink_target":"f"})";
  const std::string directory = R"({"path":"d","kind":"directory","digest":")" + hash + R"(/0"})";
  const std::string bytes = R"({"path":"b","content":{"base64":"/w=="}})";
  for (const std::string& text :
       {file + "\n" + listed + "\n\n" + link + "\r\n" + directory + "\n" + bytes,
        "[" + file + "," + listed + "," + link + "," + directory + "," + bytes + "]"}) {
    const auto entries = parse_tree_entries(text);
    ASSERT_TRUE(entries.ok()) << entries.error().message();
    ASSERT_EQ(entries->size(), 5u);
    EXPECT_EQ((*entries)[0].path(), "a=b->c+x");
    EXPECT_EQ((*entries)[0].content(), "text");
    EXPECT_TRUE((*entries)[0].is_executable());
    EXPECT_EQ((*entries)[1].file_digest().size_bytes(), 3);
    EXPECT_EQ((*entries)[2].symlink_target(), "f");
    EXPECT_TRUE((*entries)[3].directory());
    EXPECT_EQ((*entries)[4].content(), "\xff");
  }
}

TEST(TreeEntries, AnErrorNamesTheLine) {
  for (const char* wrong : {"nonsense", R"({"path":"a"})", R"({"content":"a"})", R"(["a"])",
                            R"({"path":"a","kind":"fifo"})", R"({"path":"a","colour":"red"})",
                            R"({"path":"a","content":{"base64":"*"}})"}) {
    const auto entries =
        parse_tree_entries("{\"path\":\"d\",\"directory\":true}\n" + std::string(wrong));
    ASSERT_FALSE(entries.ok()) << wrong;
    EXPECT_NE(entries.error().message().find("line 2"), std::string::npos)
        << entries.error().message();
  }
  EXPECT_TRUE(parse_tree_entries("")->empty());
}

TEST(TreeSpec, RefusesWhatItCannotMean) {
  for (const char* wrong : {"", "/", "name", "=text", "->x", "+x=text", "a=@", R"(a\=b)"}) {
    EXPECT_FALSE(parse_tree_spec(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace kiln
