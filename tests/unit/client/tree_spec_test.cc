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

TEST(TreeSpec, RefusesWhatItCannotMean) {
  for (const char* wrong : {"", "/", "name", "=text", "->x", "+x=text", "a=@"}) {
    EXPECT_FALSE(parse_tree_spec(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace kiln
