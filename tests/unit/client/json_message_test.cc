#include "client/json_message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kiln/v1/processes.pb.h"

namespace kiln {
namespace {

Result<v1::Process> process_of(const char* text) {
  v1::Process process;
  KILN_TRY(fill_from_json(nlohmann::json::parse(text), process));
  return process;
}

std::string refusal_of(const char* text) {
  const auto process = process_of(text);
  return process.ok() ? "accepted" : process.error().message();
}

TEST(JsonMessage, FillsEveryKindOfFieldInEitherSpelling) {
  const std::string hash(64, 'b');
  const auto process = process_of((R"({
      "argv": ["cc", "ü"], "env": {"A": "1", "B": ""}, "working_directory": "w",
      "outputFiles": ["o"], "require_outputs": true, "timeout_seconds": 2,
      "cache_scope": "per_session", "sandbox": 1, "input_digest": ")" +
                                   hash + R"(/7", "input_digests": [{"hash": ")" + hash +
                                   R"(", "sizeBytes": "8"}], "description": null})")
                                      .c_str());
  ASSERT_TRUE(process.ok()) << process.error().message();
  EXPECT_EQ(process->argv(1), "ü");
  EXPECT_EQ(process->env().at("A"), "1");
  EXPECT_EQ(process->env().size(), 2u);
  EXPECT_EQ(process->output_files(0), "o");
  EXPECT_TRUE(process->require_outputs());
  EXPECT_EQ(process->timeout_seconds(), 2.0);
  EXPECT_EQ(process->cache_scope(), v1::Process::PER_SESSION);
  EXPECT_EQ(process->sandbox(), v1::Process::PLAIN);
  EXPECT_EQ(process->input_digest().size_bytes(), 7);
  EXPECT_EQ(process->input_digests(0).size_bytes(), 8);
}

TEST(JsonMessage, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refusal_of(R"({"argvv": []})"), "unknown field 'argvv'; did you mean argv?");
  EXPECT_EQ(refusal_of(R"({"argv": "x"})"), "field 'argv' is string, not an array");
  EXPECT_EQ(refusal_of(R"({"argv": [1]})"), "field 'argv' is number, not a string");
  EXPECT_EQ(refusal_of(R"({"env": {"A": 1}})"),
            "in field 'env', at 'A': field 'value' is number, not a string");
  EXPECT_EQ(refusal_of(R"({"env": ["A"]})"), "field 'env' is array, not an object");
  EXPECT_EQ(refusal_of(R"({"cache_scope": "ALLWAYS"})"),
            "field 'cache_scope' has no value 'ALLWAYS'; it takes SUCCESSFUL, ALWAYS, PER_SESSION, "
            "PER_RESTART_SUCCESSFUL, PER_RESTART_ALWAYS, LOCAL_SUCCESSFUL, LOCAL_ALWAYS");
  EXPECT_NE(refusal_of(R"({"input_digest": "x/1"})").find("field 'input_digest': "),
            std::string::npos);
  EXPECT_NE(refusal_of(R"({"input_digests": [{"hash": "a", "size_bytes": 1.5}]})"), "accepted");
  EXPECT_NE(refusal_of(R"({"sandbox": 77})"), "accepted");
  EXPECT_NE(refusal_of(R"({"require_outputs": 1})"), "accepted");
  EXPECT_NE(refusal_of(R"({"timeout_seconds": "2"})"), "accepted");
}

}  // namespace
}  // namespace kiln
