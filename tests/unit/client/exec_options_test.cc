#include "client/exec_options.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

std::optional<std::string> client_environment(std::string_view name) {
  if (name == "HERE") return "there";
  if (name == "BYTES") return "\xff";
  return std::nullopt;
}

Result<v1::ExecuteRequest> request_of(std::vector<std::string> arguments,
                                      const std::string& here = "/work") {
  ExecOptions options;
  OptionParser parser({"kiln exec", "", "", "", ""});
  parser.positionals(options.argv, 0, 0);
  options.add_to(parser);
  KILN_TRY(parser.parse(std::move(arguments)));
  return make_execute_request(options, client_environment, SpecResolver("/work", here));
}

TEST(ExecOptions, MakeTheRequestTheySay) {
  const std::string hash(64, 'c');
  const auto request = request_of({"--input",
                                   "src/**",
                                   "--input",
                                   "!src/x",
                                   "--digest",
                                   hash + "/5",
                                   "--output-file",
                                   "o",
                                   "--output-dir",
                                   "d",
                                   "--workdir",
                                   "w",
                                   "--timeout",
                                   "1.5",
                                   "--cache",
                                   "always",
                                   "--sandbox",
                                   "plain",
                                   "--keep-sandboxes",
                                   "on_failure",
                                   "--require-outputs",
                                   "--write",
                                   "--",
                                   "cc",
                                   "-o",
                                   "o"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  const v1::Process& process = request->process();
  EXPECT_EQ(process.argv_size(), 3);
  EXPECT_EQ(process.input_globs(1), "!src/x");
  EXPECT_EQ(process.input_digests(0).size_bytes(), 5);
  EXPECT_EQ(process.output_files(0), "o");
  EXPECT_EQ(process.output_directories(0), "d");
  EXPECT_EQ(process.working_directory(), "w");
  EXPECT_EQ(process.timeout_seconds(), 1.5);
  EXPECT_EQ(process.cache_scope(), v1::Process::ALWAYS);
  EXPECT_EQ(process.sandbox(), v1::Process::PLAIN);
  EXPECT_TRUE(process.require_outputs());
  EXPECT_EQ(process.description(), "cc -o o");
  EXPECT_EQ(request->keep_sandboxes(), v1::ON_FAILURE);
  EXPECT_TRUE(request->write_outputs());
  EXPECT_FALSE(request->write_failed_outputs());
}

TEST(ExecOptions, PathsAreRelativeToTheCurrentDirectory) {
  const auto request =
      request_of({"--input", "*.c", "--input", "//inc/*.h", "--input", "!x/*.c", "--input", "!*.o",
                  "--output-file", "out", "--output-dir", "//sub/d", "cc"},
                 "/work/sub");
  ASSERT_TRUE(request.ok()) << request.error().message();
  const v1::Process& process = request->process();
  EXPECT_EQ(process.working_directory(), "sub");
  EXPECT_EQ(process.input_globs(0), "sub/*.c");
  EXPECT_EQ(process.input_globs(1), "inc/*.h");
  EXPECT_EQ(process.input_globs(2), "!/sub/x/*.c");
  EXPECT_EQ(process.input_globs(3), "!*.o");
  EXPECT_EQ(process.output_files(0), "out");
  EXPECT_EQ(process.output_directories(0), "d");
  EXPECT_EQ(request_of({"--workdir", "//", "cc"}, "/work/sub")->process().working_directory(), "");
  EXPECT_EQ(request_of({"--workdir", "..", "cc"}, "/work/a/b")->process().working_directory(), "a");
  EXPECT_FALSE(request_of({"--output-file", "//elsewhere", "cc"}, "/work/sub").ok());
}

TEST(ExecOptions, WriteSaysOfWhichProcesses) {
  const auto writes = [](const std::string& option) {
    const auto request = request_of({option, "x"});
    EXPECT_TRUE(request.ok()) << option;
    return std::pair(request->write_outputs(), request->write_failed_outputs());
  };
  EXPECT_EQ(writes("--write"), std::pair(true, false));
  EXPECT_EQ(writes("--write=on_success"), std::pair(true, false));
  EXPECT_EQ(writes("--write=always"), std::pair(true, true));
  EXPECT_EQ(writes("--write=never"), std::pair(false, false));
  EXPECT_FALSE(request_of({"--write=sometimes", "x"}).ok());
  EXPECT_EQ(request_of({"--write", "x"})->process().argv(0), "x") << "it takes no next word";
}

TEST(ExecOptions, TheEnvironmentStartsFromNothingButPath) {
  EXPECT_EQ(request_of({"x"})->process().env().size(), 1u);
  EXPECT_EQ(request_of({"x"})->process().env().at("PATH"), kDefaultPath);
  const auto request = request_of({"--env", "PATH=/p", "--env", "HERE", "--env", "A=b=c", "x"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->process().env().at("PATH"), "/p");
  EXPECT_EQ(request->process().env().at("HERE"), "there");
  EXPECT_EQ(request->process().env().at("A"), "b=c");
}

TEST(ExecOptions, WhatCannotBeIsRefused) {
  for (const char* wrong : {"-1", "0", "nan", "inf", "", "2s", "1e999"}) {
    EXPECT_FALSE(request_of({"--timeout", wrong, "x"}).ok()) << wrong;
  }
  for (const char* wrong : {"NOT_SET", "=x", "BYTES"}) {
    EXPECT_FALSE(request_of({"--env", wrong, "x"}).ok()) << wrong;
  }
  EXPECT_FALSE(request_of({"--digest", "abc", "x"}).ok());
  EXPECT_FALSE(request_of({"--cache", "never", "x"}).ok());
  EXPECT_FALSE(request_of({"--keep-sandboxes", "maybe", "x"}).ok());
}

}  // namespace
}  // namespace kiln
