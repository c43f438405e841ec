#include "common/ipc/wire_error.h"

#include <gtest/gtest.h>

#include "google/rpc/status.pb.h"
#include "kiln/v1/common.pb.h"

namespace kiln {
namespace {

TEST(WireError, SurvivesTheTripInsideAStatus) {
  const Error sent = user_error(ErrorCode::kConflict, "a differs").with_context("while merging");
  const Error got = from_status(9, "ignored", to_status_details(sent, "a differs"));
  EXPECT_EQ(got.code(), ErrorCode::kConflict);
  EXPECT_EQ(got.blame(), Blame::kUser);
  EXPECT_EQ(got.to_string(), sent.to_string());
}

TEST(WireError, TheStatusInTheDetailsIsTheStatusOfTheCall) {
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(
      to_status_details(user_error(ErrorCode::kConflict, "a\nb"), "a", Begun::kMaybe)));
  EXPECT_EQ(status.code(), 9);
  EXPECT_EQ(status.message(), "a");
}

TEST(WireError, OnlyDetailsSayThatNothingWasBegun) {
  const Error error = environment_error(ErrorCode::kUnavailable, "going");
  EXPECT_EQ(begun_of(to_status_details(error, "going", Begun::kNo)), Begun::kNo);
  EXPECT_EQ(begun_of(to_status_details(error, "going")), Begun::kMaybe);
  EXPECT_EQ(begun_of(""), Begun::kMaybe);
  EXPECT_EQ(begun_of("garbage\xff"), Begun::kMaybe);
}

TEST(WireError, ABoundedErrorSaysHowMuchIsLeftOut) {
  std::string conflicts = "2 trees differ:";
  for (int i = 0; i < 100; ++i) conflicts += "\n  path " + std::to_string(i);
  const Error cut =
      bounded(user_error(ErrorCode::kConflict, conflicts).with_context("merging"), 40);
  EXPECT_EQ(cut.code(), ErrorCode::kConflict);
  EXPECT_EQ(cut.message(), "2 trees differ:\n  path 0\n  path 1\n… and 98 more lines");
  EXPECT_TRUE(cut.context().empty());
}

TEST(WireError, OneLongLineIsCutBetweenCharacters) {
  const Error cut = bounded(user_error(ErrorCode::kNotFound, "aüüü"), 4);
  EXPECT_EQ(cut.message(), "aü…");
}

TEST(WireError, WhatFitsIsNotTouched) {
  const Error error = user_error(ErrorCode::kConflict, "a\n b").with_context("c").with_context("d");
  EXPECT_EQ(bounded(error, 6).to_string(), error.to_string());
}

TEST(WireError, AForeignStatusKeepsItsMessage) {
  const Error got = from_status(14, "connection refused", "not a protobuf \xff");
  EXPECT_EQ(got.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(got.message(), "connection refused");
}

TEST(WireError, AnUnknownCodeIsABug) {
  v1::Error wire;
  wire.set_code(static_cast<v1::ErrorCode>(999));
  EXPECT_EQ(from_wire(wire).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace kiln
