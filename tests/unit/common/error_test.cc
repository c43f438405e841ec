#include "common/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "common/base/result.h"

namespace kiln {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return user_error(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  KILN_ASSIGN(const int h, half(n));
  KILN_TRY(half(h));
  return half(h);
}

TEST(Result, MacrosReturnTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

TEST(Error, ContextIsShownInnermostFirst) {
  const Error error = user_error(ErrorCode::kNotFound, "no file a")
                          .with_context("while reading a")
                          .with_context("while capturing *");
  EXPECT_EQ(error.to_string(), "no file a\n  while reading a\n  while capturing *");
}

TEST(Error, ErrnoDecidesTheCode) {
  EXPECT_EQ(os_error(ENOSPC, "write x").code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(os_error(EROFS, "write x").code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(os_error(ENOENT, "open x").message(), "cannot open x: No such file or directory");
}

TEST(Error, ARightRequestThatFailsIsNoWrongCommandLine) {
  for (const ErrorCode code : {ErrorCode::kFailedPrecondition, ErrorCode::kPermissionDenied,
                               ErrorCode::kResourceExhausted, ErrorCode::kUnavailable}) {
    for (const Blame blame : {Blame::kUser, Blame::kEnvironment, Blame::kBug}) {
      EXPECT_EQ(exit_code(code, blame), 125) << error_code_name(code);
    }
  }
}

TEST(Error, ExitCodesAreThoseOfTheManual) {
  EXPECT_EQ(exit_code(ErrorCode::kInvalidArgument, Blame::kUser), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound, Blame::kUser), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound, Blame::kEnvironment), 125);
  EXPECT_EQ(exit_code(ErrorCode::kInternal, Blame::kBug), 125);
  EXPECT_EQ(exit_code(ErrorCode::kTimedOut, Blame::kUser), 124);
  EXPECT_EQ(exit_code(ErrorCode::kCommandNotExecutable, Blame::kUser), 126);
  EXPECT_EQ(exit_code(ErrorCode::kCommandNotFound, Blame::kUser), 127);
  EXPECT_EQ(exit_code(ErrorCode::kCancelled, Blame::kUser), 130);
}

}  // namespace
}  // namespace kiln
