// `kiln exec --batch`: many processes from one client.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

class Batch : public KilnTest {
 protected:
  std::vector<nlohmann::json> lines(const Outcome& outcome) {
    std::vector<nlohmann::json> documents;
    std::istringstream text(outcome.out);
    for (std::string one; std::getline(text, one);) documents.push_back(nlohmann::json::parse(one));
    return documents;
  }
};

TEST_F(Batch, AnswersEveryLine) {
  std::string input;
  for (int i = 0; i < 500; ++i) {
    nlohmann::json process = {{"id", i},
                              {"argv", {"sh", "-c", "echo " + std::to_string(i)}},
                              {"env", {{"PATH", "/usr/bin:/bin"}}}};
    input += process.dump() + "\n";
  }
  const Outcome outcome = kiln({"exec", "--batch", "-"}, input);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  std::set<int> ids;
  for (const auto& line : lines(outcome)) {
    EXPECT_EQ(line.value("exit_code", -1), 0) << line;
    EXPECT_EQ(line.value("stdout", ""), std::to_string(line.value("id", -1)) + "\n");
    EXPECT_EQ(line.value("source", ""), "ran");
    ids.insert(line.value("id", -1));
  }
  EXPECT_EQ(ids.size(), 500u);
  for (const auto& line : lines(kiln({"exec", "--batch", "-"}, input))) {
    EXPECT_EQ(line.value("source", ""), "memoized");
  }
  EXPECT_EQ(counter("process.ran"), 500);
}

TEST_F(Batch, EqualLinesRunOnce) {
  std::string input;
  for (int i = 0; i < 50; ++i)
    input += R"({"argv": ["/bin/sh", "-c", "echo same"]})"
             "\n";
  EXPECT_EQ(kiln({"exec", "--batch", "-"}, input).exit_code, 0);
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(Batch, OneBadLineDoesNotStopTheOthers) {
  const std::string input =
      "{\"argv\": [\"/bin/true\"]}\nnot json\n{\"argv\": [\"/bin/true\"], \"colour\": 1}\n"
      "{\"argv\": [\"/bin/sh\", \"-c\", \"exit 4\"]}\n";
  const Outcome outcome = kiln({"exec", "--batch", "-"}, input);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE((outcome.out + outcome.err).find("colour"), std::string::npos);
  int succeeded = 0;
  int failed = 0;
  for (const auto& line : lines(outcome)) {
    if (line.value("exit_code", -1) == 0) ++succeeded;
    if (line.value("exit_code", -1) == 4) ++failed;
  }
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(failed, 1);
}

TEST_F(Batch, ALineThatTheDaemonRefusesIsAWrongLine) {
  const std::string input = R"({"argv": ["/bin/true"]})"
                            "\n"
                            R"({"argv": ["/bin/true"], "timeout_seconds": -1, "id": "t"})"
                            "\n"
                            R"({"argv": ["/bin/true"], "output_files": ["/abs"]})"
                            "\n";
  const Outcome outcome = kiln({"exec", "--batch", "-"}, input);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.out;
  EXPECT_NE(outcome.err.find("standard input, line 2: "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("standard input, line 3: "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("/abs"), std::string::npos) << outcome.err;
  EXPECT_EQ(lines(outcome).size(), 3u) << outcome.out;
}

TEST_F(Batch, ACommandThatIsNotThereIsAFailureNotAWrongLine) {
  const Outcome outcome = kiln({"exec", "--batch", "-"}, R"({"argv": ["/no/such"]})");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out << outcome.err;
}

TEST_F(Batch, LinesRunBesideOneAnother) {
  environment()["KILN_JOBS"] = "2";
  const std::string one = (workspace() / "one").string();
  const std::string two = (workspace() / "two").string();
  ASSERT_EQ(::mkfifo(one.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(two.c_str(), 0600), 0);
  // Each ends only with the help of the other.
  std::string input;
  for (const std::string& script :
       {"echo a > " + one + "; cat " + two, "cat " + one + "; echo b > " + two}) {
    const nlohmann::json process = {{"argv", {"/bin/sh", "-c", script}}, {"timeout_seconds", 20}};
    input += process.dump() + "\n";
  }
  const Outcome outcome = kiln({"exec", "--batch", "-"}, input);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

// With one slot, and a batch of twenty waiting for it when one of three comes: who ran in which
// order.
TEST_F(Batch, ASmallBatchTakesTurnsWithABigOneThatCameBefore) {
  environment()["KILN_JOBS"] = "1";
  const std::string gate = (workspace() / "gate").string();
  const std::string order = (temp_path() / "order").string();
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  Command holder = start({"exec", "--", "sh", "-c", "echo on; cat " + gate});
  ASSERT_TRUE(holder.read_until("on\n"));
  const auto batch = [&](const std::string& who, int processes) {
    std::string input;
    for (int i = 0; i < processes; ++i) {
      const std::string script = "echo " + who + " >> " + order + " # " + std::to_string(i);
      input += nlohmann::json({{"argv", {"/bin/sh", "-c", script}}}).dump() + "\n";
    }
    return start({"exec", "--batch", "-"}, input);
  };
  Command big = batch("big", 20);
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == 20; }));
  Command small = batch("small", 3);
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == 23; }));
  write_file(gate, "go");
  for (Command* client : {&holder, &big, &small}) EXPECT_EQ(client->wait().exit_code, 0);
  const std::string ran = slurp(order);
  EXPECT_TRUE(ran.starts_with("big\nsmall\nbig\nsmall\nbig\nsmall\nbig\n")) << ran;
  EXPECT_EQ(std::count(ran.begin(), ran.end(), '\n'), 23);
}

TEST_F(Batch, WritesOutputs) {
  std::string input;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "out/" + std::to_string(i);
    nlohmann::json process = {{"argv", {"/bin/sh", "-c", "echo " + name + " > " + name}},
                              {"output_files", {name}}};
    input += process.dump() + "\n";
  }
  EXPECT_EQ(kiln({"exec", "--write", "--batch", "-"}, input).exit_code, 0);
  EXPECT_EQ(read("out/7"), "out/7\n");
  std::filesystem::remove_all(workspace() / "out");
  EXPECT_EQ(kiln({"exec", "--write", "--batch", "-"}, input).exit_code, 0);
  EXPECT_EQ(read("out/19"), "out/19\n");
  EXPECT_EQ(counter("process.ran"), 20);
}

}  // namespace
}  // namespace kiln::test
