// `kiln exec --profile`: what ran, when, on whose behalf and why.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Profile : public KilnTest {
 protected:
  // The slices of the profile of one `kiln exec OPTIONS -- sh -c SCRIPT`.
  std::vector<json> profile_of(Arguments options, const std::string& script) {
    const std::string file = temp_path() / "profile.json";
    Arguments arguments{"exec", "--profile", file};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"--", "sh", "-c", script});
    const Outcome outcome = kiln(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::vector<json> slices;
    for (const json& event : json::parse(slurp(file))) {
      if (event.at("ph") == "X") slices.push_back(event);
    }
    return slices;
  }
  static std::vector<json> named(const std::vector<json>& slices, const std::string& category) {
    std::vector<json> found;
    for (const json& slice : slices) {
      if (slice.at("cat") == category) found.push_back(slice);
    }
    return found;
  }
  static double end_of(const json& slice) {
    return slice.at("ts").get<double>() + slice.at("dur").get<double>();
  }
};

TEST_F(Profile, ShowsTheRequestAndInItTheProcessThatRan) {
  write("in.txt", "in\n");
  const auto slices = profile_of({"--input", "in.txt", "--description", "Print it"}, "cat in.txt");
  const auto requests = named(slices, "exec");
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].at("name"), "Print it");
  EXPECT_EQ(requests[0].at("args").at("outcome"), "answered");
  const auto processes = named(slices, "run_process");
  ASSERT_EQ(processes.size(), 1u);
  const json& args = processes[0].at("args");
  EXPECT_EQ(args.at("reason"), "first run");
  EXPECT_EQ(args.at("source"), "ran");
  EXPECT_EQ(args.at("exit_code"), "0");
  EXPECT_EQ(args.at("outcome"), "changed");
  EXPECT_EQ(args.at("description"), "Print it");
  EXPECT_EQ(args.at("parent"), requests[0].at("args").at("span"));
  EXPECT_GT(processes[0].at("dur").get<double>(), 0);
}

TEST_F(Profile, SpansLieWithinTheirParentsAndLanesNest) {
  for (int i = 0; i < 40; ++i) write("d/" + std::to_string(i % 4) + "/" + std::to_string(i), "x");
  const auto slices = profile_of({"--input", "d/**"}, "true");
  EXPECT_GT(slices.size(), 40u);
  std::map<uint64_t, const json*> by_span;
  for (const json& slice : slices) by_span[slice.at("args").at("span")] = &slice;
  for (const json& slice : slices) {
    const uint64_t parent = slice.at("args").at("parent");
    if (parent == 0) continue;
    ASSERT_TRUE(by_span.contains(parent)) << slice;
    EXPECT_GE(slice.at("ts"), by_span.at(parent)->at("ts")) << slice;
    EXPECT_LE(end_of(slice), end_of(*by_span.at(parent)) + 0.001) << slice;
  }
  // What is on one lane is apart, or one within the other.
  for (const json& a : slices) {
    for (const json& b : slices) {
      if (a.at("tid") != b.at("tid") || a.at("ts") >= b.at("ts")) continue;
      const bool apart = end_of(a) <= b.at("ts").get<double>() + 0.001;
      EXPECT_TRUE(apart || end_of(b) <= end_of(a) + 0.001) << a << "\n" << b;
    }
  }
}

TEST_F(Profile, TheSecondTimeShowsThatItWasMemoized) {
  write("in.txt", "in\n");
  profile_of({"--input", "in.txt"}, "cat in.txt");
  const auto slices = profile_of({"--input", "in.txt"}, "cat in.txt");
  const auto processes = named(slices, "run_process");
  ASSERT_EQ(processes.size(), 1u);
  EXPECT_EQ(processes[0].at("args").at("source"), "memoized");
  EXPECT_EQ(processes[0].at("args").at("reason"), "unchanged");
  EXPECT_TRUE(named(slices, "fs.file/1").empty());
}

TEST_F(Profile, AfterAnEditTheReasonNamesWhatChanged) {
  write("src/a.txt", "a\n");
  write("src/b.txt", "b\n");
  profile_of({"--input", "src/*"}, "cat src/*");
  write("src/b.txt", "new\n");
  const auto slices = profile_of({"--input", "src/*"}, "cat src/*");
  const auto files = named(slices, "fs.file/1");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].at("args").at("reason"), "invalidated");
  bool named_the_file = false;
  for (const json& glob : named(slices, "fs.glob/2")) {
    EXPECT_EQ(glob.at("args").at("reason"), "input changed");
    const std::string changed = glob.at("args").at("changed_input");
    named_the_file |= changed.find("src/b.txt") != std::string::npos;
  }
  EXPECT_TRUE(named_the_file);
}

TEST_F(Profile, EveryNodeSaysWhyItRanOrNeedNot) {
  write("a.sh", "#!/bin/sh\nls $1\n");
  write("b.sh", "#!/bin/sh\nls \"$1\"\n");
  const std::string file = temp_path() / "why.json";
  // The reasons of a lint, each once; fails if a node has none.
  const auto reasons = [&] {
    EXPECT_NE(kiln({"lint", "--profile", file, "*.sh"}).exit_code, 125);
    std::set<std::string> found;
    for (const json& event : json::parse(slurp(file))) {
      if (event.at("ph") != "X" || event.at("args").at("parent") == 0) continue;
      // Is looked at again before anything is printed.
      if (event.at("args").at("name") == "fs.config/1") continue;
      EXPECT_TRUE(event.at("args").contains("reason")) << event;
      found.insert(event.at("args").value("reason", ""));
    }
    return found;
  };
  std::set<std::string> first = reasons();
  first.erase("unchanged");  // an event of the new files that comes late has the lint asked again
  EXPECT_EQ(first, (std::set<std::string>{"first run"}));
  EXPECT_EQ(reasons(), (std::set<std::string>{"unchanged"}));
  fs::last_write_time(workspace() / "a.sh", fs::file_time_type::clock::now());
  EXPECT_EQ(reasons(), (std::set<std::string>{"invalidated", "inputs unchanged"}));
  write("a.sh", "#!/bin/sh\nls $2\n");
  const std::set<std::string> edited = reasons();
  EXPECT_TRUE(edited.contains("input changed") && edited.contains("invalidated")) << edited.size();
}

TEST_F(Profile, ShowsHowLongAProcessWaitedForItsSlot) {
  environment()["KILN_JOBS"] = "1";
  const std::string gate = (workspace() / "gate").string();
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  Command holder = start({"exec", "--", "sh", "-c", "echo on; cat " + gate});
  ASSERT_TRUE(holder.read_until("on\n"));
  const std::string file = temp_path() / "waited.json";
  Command waiter = start({"exec", "--profile", file, "--", "echo", "hello"});
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == 1; }));
  write_file(gate, "open");
  EXPECT_EQ(holder.wait().exit_code, 0);
  EXPECT_EQ(waiter.wait().exit_code, 0);
  std::vector<json> slices;
  for (const json& event : json::parse(slurp(file))) {
    if (event.at("ph") == "X") slices.push_back(event);
  }
  const auto waits = named(slices, "wait_for_slot");
  const auto processes = named(slices, "run_process");
  ASSERT_EQ(waits.size(), 1u);
  ASSERT_EQ(processes.size(), 1u);
  EXPECT_EQ(waits[0].at("args").at("parent"), processes[0].at("args").at("span"));
  EXPECT_EQ(waits[0].at("tid"), processes[0].at("tid")) << "one is drawn in the other";
  EXPECT_GT(waits[0].at("dur").get<double>(), 0);
  EXPECT_GE(waits[0].at("ts"), processes[0].at("ts"));
  EXPECT_LT(end_of(waits[0]), end_of(processes[0])) << "then it ran";
  EXPECT_TRUE(named(profile_of({}, "echo alone"), "wait_for_slot").empty());
}

TEST_F(Profile, OfAGoalShowsItsRules) {
  write("a.txt", "a");
  const std::string file = temp_path() / "goal.json";
  ASSERT_EQ(kiln({"list", "--profile", file, "::"}).exit_code, 0);
  std::vector<std::string> rules;
  for (const json& event : json::parse(slurp(file))) {
    if (event.at("ph") == "X") rules.push_back(event.at("name"));
  }
  ASSERT_GE(rules.size(), 2u);
  EXPECT_EQ(rules.front(), "list ::");
  EXPECT_NE(std::find_if(rules.begin(), rules.end(),
                         [](const auto& rule) { return rule.starts_with("spec_files("); }),
            rules.end());
}

TEST_F(Profile, OfABatchShowsItsProcessesAndWhereTheyCameFrom) {
  const std::string file = temp_path() / "batch.json";
  const std::string lines =
      "{\"argv\": [\"/bin/echo\", \"1\"]}\n{\"argv\": [\"/bin/echo\", \"2\"]}\n"
      "{\"argv\": [\"/bin/sh\", \"-c\", \"exit 3\"]}\n";
  for (const auto& [source, times] : {std::pair("ran", 3), std::pair("memoized", 2)}) {
    EXPECT_EQ(kiln({"exec", "--profile", file, "--batch", "-"}, lines).exit_code, 1);
    std::vector<json> slices;
    for (const json& event : json::parse(slurp(file))) {
      if (event.at("ph") == "X") slices.push_back(event);
    }
    EXPECT_EQ(named(slices, "exec").size(), 1u);
    const auto processes = named(slices, "run_process");
    EXPECT_EQ(processes.size(), 3u);
    EXPECT_EQ(std::count_if(
                  processes.begin(), processes.end(),
                  [&](const json& process) { return process.at("args").at("source") == source; }),
              times)
        << "a failure is for its run only";
  }
}

TEST_F(Profile, OfALoopShowsEveryRound) {
  write("a.sh", "#!/bin/sh\nls $1\n");
  const std::string file = temp_path() / "loop.json";
  Command loop = start({"lint", "--loop", "--profile", file, "a.sh"});
  ASSERT_TRUE(loop.read_until("a.sh:2:4"));
  // At once: a file that is written in place is empty for a moment, which would be a round.
  write("new", "#!/bin/sh\nls \"$1\" $2\n");
  std::filesystem::rename(workspace() / "new", workspace() / "a.sh");
  ASSERT_TRUE(loop.read_until("a.sh:2:9"));
  loop.signal(SIGINT);
  EXPECT_EQ(loop.wait().exit_code, 130);
  std::vector<json> slices;
  for (const json& event : json::parse(slurp(file))) {
    if (event.at("ph") == "X") slices.push_back(event);
  }
  const auto processes = named(slices, "run_process");
  ASSERT_EQ(processes.size(), 2u);
  for (const json& process : processes) EXPECT_EQ(process.at("args").at("source"), "ran");
}

TEST_F(Profile, OfARunThatFailsIsWrittenNevertheless) {
  const std::string file = temp_path() / "failed.json";
  const Outcome outcome = kiln({"exec", "--profile", file, "--", "no-such-command"});
  EXPECT_EQ(outcome.exit_code, 127);
  bool told = false;
  for (const json& event : json::parse(slurp(file))) {
    if (event.at("ph") != "X" || event.at("cat") != "exec") continue;
    told = event.at("args").value("error", "").find("no-such-command") != std::string::npos;
    EXPECT_EQ(event.at("args").at("outcome"), "failed");
  }
  EXPECT_TRUE(told) << slurp(file);
}

TEST_F(Profile, ThatCannotBeWrittenIsRefusedBeforeAnythingRuns) {
  const Outcome outcome = kiln({"exec", "--profile", "no/such/directory/p.json", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--profile: cannot open no/such/directory/p.json"), std::string::npos)
      << outcome.err;
  EXPECT_NE(kiln({"daemon", "status"}).exit_code, 0) << "not even a daemon was started";
}

TEST_F(Profile, IsRefusedByCommandsThatRunNothing) {
  EXPECT_EQ(kiln({"paths", "--profile", "p.json", "*"}).exit_code, 2);
}

}  // namespace
}  // namespace kiln::test
