// `kiln exec`: sandboxes, environments, outputs, exit codes, signals.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class Exec : public KilnTest {};

TEST_F(Exec, PassesOutputAndExitCodeThrough) {
  const Outcome outcome = kiln({"exec", "--", "sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
}

TEST_F(Exec, PassesEveryByteThrough) {
  write("bytes", std::string("\0\xff\r\n\x1b[31m", 9));
  const Outcome outcome = kiln({"exec", "--input", "bytes", "--", "cat", "bytes"});
  EXPECT_EQ(outcome.out, std::string("\0\xff\r\n\x1b[31m", 9));
  EXPECT_EQ(kiln({"exec", "--input", "bytes", "--", "cat", "bytes"}).out, outcome.out);
}

TEST_F(Exec, SeesItsInputsAndNothingElse) {
  write("in.txt", "in");
  write("secret.txt", "secret");
  EXPECT_EQ(kiln({"exec", "--input", "in.txt", "--", "ls"}).out, "in.txt\n");
}

TEST_F(Exec, VerifyTwiceTellsTheFirstDifference) {
  const auto twice = [&](const std::string& script) {
    return kiln({"exec", "--verify-twice", "--output-file", "o", "--output-dir", "d", "--", "sh",
                 "-c", "mkdir d; " + script});
  };
  const Outcome same = twice("echo out; echo err >&2; echo x >o; exit 3");
  EXPECT_EQ(same.exit_code, 3) << "that of the process";
  EXPECT_EQ(same.out, "out\n");
  EXPECT_NE(same.err.find("two runs gave the same"), std::string::npos) << same.err;
  EXPECT_EQ(counter("process.ran"), 2);
  const std::pair<const char*, const char*> differing[] = {
      {"echo fix; date +%s", "stdout differs at byte 1"},
      {"pwd >&2; case $(pwd) in /sandbox) exit 9;; esac", "stderr differs at byte "},
      {"printf 'a\\nb' >o; date +%s >>o", "the output o differs at byte "},
      {"date +%s >d/$(date +%s)", "is there in one run only"},
      {"exit $(($(date +%s) % 100))", "the exit code is "}};
  for (const auto& [script, difference] : differing) {
    const Outcome outcome = twice(script);
    EXPECT_EQ(outcome.exit_code, 1) << script;
    EXPECT_NE(outcome.err.find(difference), std::string::npos) << script << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find("their sandboxes are /"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(kiln({"exec", "--verify-twice", "--write", "--", "true"}).exit_code, 2);
}

TEST_F(Exec, HasAnEnvironmentFromNothing) {
  environment()["LEAK"] = "leaked";
  environment()["LENT"] = "lent";
  EXPECT_EQ(kiln({"exec", "--", "env"}).out, "PATH=/usr/local/bin:/usr/bin:/bin\n");
  const Outcome outcome =
      kiln({"exec", "--env", "A=1", "--env", "LENT", "--", "sh", "-c", "echo $A $LENT$LEAK"});
  EXPECT_EQ(outcome.out, "1 lent\n");
  const Outcome unset = kiln({"exec", "--env", "UNSET_HERE", "--", "true"});
  EXPECT_EQ(unset.exit_code, 2);
  EXPECT_NE(unset.err.find("UNSET_HERE"), std::string::npos);
}

TEST_F(Exec, CapturesOutputs) {
  const auto document = exec_json({"--output-file", "one", "--output-dir", "dir"},
                                  "echo 1 > one; mkdir -p dir/empty; echo 2 > dir/two; chmod +x "
                                  "dir/two; ln -s two dir/link; echo no > other");
  const std::string digest = document.value("output_digest", "");
  EXPECT_EQ(kiln({"digest", "cat", digest, "one"}).out, "1\n");
  const auto listing = kiln({"digest", "ls", digest}).out;
  EXPECT_EQ(listing, "dir/\ndir/empty/\ndir/link\ndir/two\none\n");
}

TEST_F(Exec, ListsMissingOutputsAndRequiresThemWhenAsked) {
  const auto document = exec_json({"--output-file", "absent"}, "true");
  EXPECT_EQ(document["missing_outputs"], nlohmann::json({"absent"}));
  const Outcome required =
      kiln({"exec", "--require-outputs", "--output-file", "absent", "--", "true"});
  EXPECT_NE(required.exit_code, 0);
  EXPECT_NE(required.err.find("absent"), std::string::npos) << required.err;
}

TEST_F(Exec, WritesOutputsIntoTheWorkspace) {
  write("old.txt", "old\n");
  const Outcome outcome =
      kiln({"exec", "--write", "--output-file", "old.txt", "--output-file", "a/b.txt",
            "--output-file", "run", "--", "sh", "-c",
            "echo new > old.txt; echo b > a/b.txt; echo '#!/bin/sh' > run; chmod 755 run"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read("old.txt"), "new\n");
  EXPECT_EQ(read("a/b.txt"), "b\n");
  struct stat st;
  ASSERT_EQ(::stat((workspace() / "run").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0755u);
  // What was written counts at once.
  EXPECT_EQ(kiln({"exec", "--input", "old.txt", "--", "cat", "old.txt"}).out, "new\n");
}

TEST_F(Exec, WritingTheSameAgainLeavesFilesAlone) {
  const Arguments command = {"exec", "--write", "--output-file", "f", "--",
                             "sh",   "-c",      "echo f > f"};
  ASSERT_EQ(kiln(command).exit_code, 0);
  const auto before = fs::last_write_time(workspace() / "f");
  ASSERT_EQ(kiln(command).exit_code, 0);
  EXPECT_EQ(fs::last_write_time(workspace() / "f"), before);
  fs::remove(workspace() / "f");
  ASSERT_EQ(kiln(command).exit_code, 0);
  EXPECT_EQ(read("f"), "f\n");
}

TEST_F(Exec, WorksInAWorkingDirectory) {
  write("src/a", "a\n");
  const auto document =
      exec_json({"--input", "src/**", "--workdir", "src", "--output-file", "b"}, "cp a b");
  EXPECT_EQ(kiln({"digest", "ls", document.value("output_digest", "")}).out, "b\n");
}

TEST_F(Exec, TakesTreesByDigest) {
  const std::string created = kiln({"digest", "create", "x/y=hello"}).out;
  const std::string digest = created.substr(0, created.find('\n'));
  write("w", "w\n");
  EXPECT_EQ(kiln({"exec", "--digest", digest, "--input", "w", "--", "cat", "x/y", "w"}).out,
            "hellow\n");
}

TEST_F(Exec, TimesOutWith124AndIsNotCached) {
  const Arguments command = {"exec", "--timeout", "0.2", "--", "sh", "-c", "echo early; sleep 100"};
  const Outcome outcome = kiln(command);
  EXPECT_EQ(outcome.exit_code, 124) << outcome.err;
  EXPECT_EQ(outcome.out, "early\n");
  EXPECT_EQ(kiln(command).exit_code, 124);
  EXPECT_EQ(counter("process.ran"), 2);
}

TEST_F(Exec, HasTheExitCodesOfAShell) {
  EXPECT_EQ(kiln({"exec", "--", "no-such-command-anywhere"}).exit_code, 127);
  EXPECT_EQ(kiln({"exec", "--", "./absent"}).exit_code, 127);
  write("text", "not a program\n");
  EXPECT_EQ(kiln({"exec", "--input", "text", "--", "./text"}).exit_code, 126);
  EXPECT_EQ(kiln({"exec", "--", "sh", "-c", "kill -TERM $$"}).exit_code, 143);
  EXPECT_EQ(kiln({"exec", "--", "sh", "-c", "kill -SEGV $$"}).exit_code, 139);
}

TEST_F(Exec, AFailureIsSharedWithinARunOnly) {
  EXPECT_EQ(exec_json({}, "exit 3").value("source", ""), "ran");
  EXPECT_EQ(exec_json({}, "exit 3").value("source", ""), "ran");
  EXPECT_EQ(exec_json({"--cache", "always"}, "exit 4").value("source", ""), "ran");
  EXPECT_EQ(exec_json({"--cache", "always"}, "exit 4").value("source", ""), "memoized");
  EXPECT_EQ(exec_json({"--cache", "session"}, "true").value("source", ""), "ran");
  EXPECT_EQ(exec_json({"--cache", "session"}, "true").value("source", ""), "ran");
  EXPECT_EQ(exec_json({"--cache", "restart"}, "true").value("source", ""), "ran");
  EXPECT_EQ(exec_json({"--cache", "restart"}, "true").value("source", ""), "memoized");
  EXPECT_EQ(source_of({"--cache", "local-always"}, "exit 5"), "ran");
  EXPECT_EQ(source_of({"--cache", "local-always"}, "exit 5"), "memoized");
  EXPECT_EQ(source_of({"--cache", "restart-always"}, "exit 5"), "ran");
  EXPECT_EQ(source_of({"--cache", "restart-always"}, "exit 5"), "memoized");
  EXPECT_EQ(source_of({"--cache", "local-successful"}, "exit 6"), "ran");
  EXPECT_EQ(source_of({"--cache", "local-successful"}, "exit 6"), "ran");
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_EQ(exec_json({"--cache", "restart"}, "true").value("source", ""), "ran");
}

TEST_F(Exec, ADeathByASignalIsRecordedUnderNoScope) {
  const std::string flag = (temp_path() / "short").string();
  write_file(flag, "");
  const std::string script = "if [ -e " + flag + " ]; then kill -9 $$; fi; echo well";
  EXPECT_EQ(exec_json({"--cache", "always"}, script).value("exit_code", 0), -9);
  fs::remove(flag);
  EXPECT_EQ(exec_json({"--cache", "always"}, script).value("stdout", ""), "well\n");
}

TEST_F(Exec, OncePerDaemonHoldsHoweverSmallTheMemoIs) {
  environment()["KILN_MEMO_BYTES"] = "1";
  environment()["KILN_MEMO_NODES"] = "1";
  const Arguments command = {"exec", "--cache", "restart", "--", "date", "+%s%N"};
  const std::string first = kiln(command).out;
  for (int i = 0; i < 8; ++i) {
    kiln({"exec", "--cache", "session", "--", "echo", std::to_string(i)});
  }
  EXPECT_EQ(kiln(command).out, first);
}

TEST_F(Exec, ToldTimesAreThoseOfTheRunThatIsToldOf) {
  const std::string slow = (temp_path() / "slow").string();
  const std::string script = "[ -e " + slow + " ] && sleep 0.7; exit 4";
  ASSERT_EQ(exec_json({}, script).value("source", ""), "ran");
  write_file(slow, "");
  const auto again = exec_json({}, script);
  EXPECT_EQ(again.value("source", ""), "ran");
  EXPECT_GE(again.value("wall_seconds", 0.0), 0.7);
}

TEST_F(Exec, EachRunKeepsASandboxOfItsOwn) {
  const auto kept = [&] {
    return exec_json({"--keep-sandboxes", "on_failure"}, "exit 3").value("kept_sandbox", "");
  };
  const std::string first = kept();
  ASSERT_TRUE(fs::is_directory(first)) << first;
  fs::remove_all(first);
  const std::string second = kept();
  EXPECT_TRUE(fs::is_directory(second)) << second;
  EXPECT_NE(first, second);
}

TEST_F(Exec, RequiredOutputsAreTheWishOfTheirCallerAlone) {
  const std::string well = (temp_path() / "well").string();
  const Arguments command = {
      "--output-file", "o", "--", "sh", "-c", "[ ! -e " + well + " ] || echo x >o"};
  const auto run_it = [&](Arguments options) {
    Arguments whole = {"exec"};
    whole.insert(whole.end(), options.begin(), options.end());
    whole.insert(whole.end(), command.begin(), command.end());
    return kiln(whole);
  };
  EXPECT_EQ(run_it({}).exit_code, 0);
  const Outcome refused = run_it({"--require-outputs"});
  EXPECT_EQ(refused.exit_code, 125);
  EXPECT_NE(refused.err.find("o was not made"), std::string::npos) << refused.err;
  EXPECT_EQ(run_it({}).exit_code, 0) << "the other's wish is not remembered";
  // What is recorded without its output is no answer: it runs again, in this daemon and the next.
  write_file(well, "");
  EXPECT_EQ(run_it({"--require-outputs"}).exit_code, 0);
  fs::remove(well);
  EXPECT_EQ(run_it({"--require-outputs"}).exit_code, 0) << "and that is remembered";
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_EQ(run_it({"--require-outputs"}).exit_code, 0);
}

TEST_F(Exec, AToolThatIsReplacedWhileItWaitsIsRunAsWhatItIsThen) {
  environment()["KILN_JOBS"] = "1";
  const std::string tool = (temp_path() / "tool").string();
  const auto make = [&](const std::string& name) {
    write_file(tool + ".new", "#!/bin/sh\necho I am " + name + "\n");
    fs::permissions(tool + ".new", fs::perms::owner_all);
    fs::rename(tool + ".new", tool);
  };
  make("one");
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  Command holder = start({"exec", "--", "sh", "-c", "echo runs; cat " + gate + " >/dev/null"});
  ASSERT_TRUE(holder.read_until("runs\n"));
  Command waiter = start({"exec", "--", tool});
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == 1; }));
  make("two");
  write_file(gate, "open");
  EXPECT_EQ(holder.wait().exit_code, 0);
  EXPECT_EQ(waiter.wait().out, "I am two\n");
  make("one");
  EXPECT_EQ(kiln({"exec", "--", tool}).out, "I am one\n");
}

TEST_F(Exec, ExplainsItsKeyAndRunsNothing) {
  write("in", "x");
  const auto explained =
      kiln_json({"exec", "--explain-key", "--json", "--input", "in", "--env", "A=1", "--cache",
                 "restart", "--timeout", "2", "--", "sh", "-c", "true"});
  std::map<std::string, nlohmann::json> by_kind;
  for (const auto& component : explained["components"]) {
    by_kind.emplace(component.value("kind", ""), component);
  }
  EXPECT_EQ(by_kind["argument"]["value"], "sh");
  EXPECT_EQ(by_kind["environment"]["name"], "A");
  EXPECT_EQ(by_kind["salt"]["value"], "restart");
  EXPECT_EQ(by_kind["executable"]["name"], "/usr/bin/sh");
  EXPECT_TRUE(by_kind.contains("inputs") && by_kind.contains("timeout") &&
              by_kind.contains("loader") && by_kind.contains("library"))
      << explained;
  EXPECT_EQ(counter("process.ran"), 0);
  const Outcome text = kiln({"exec", "--explain-key", "--", "sh", "-c", "true"});
  EXPECT_NE(text.out.find("\nexecutable /usr/bin/sh "), std::string::npos) << text.out;
  const auto packages =
      kiln({"exec", "--explain-key", "--option", "host.fingerprint=packages", "--", "true"});
  EXPECT_EQ(packages.exit_code, 0) << packages.err;
  if (fs::exists("/var/lib/dpkg/status")) {
    EXPECT_NE(packages.out.find("\npackages /var/lib/dpkg/status "), std::string::npos)
        << packages.out;
  }
  write("kiln.toml", "[host]\nfingerprint = \"packages\"\n");
  EXPECT_EQ(kiln({"exec", "--explain-key", "--", "true"}).out, packages.out);
}

TEST_F(Exec, ALauncherThatIsNotKnownIsNamed) {
  const std::string tool = (temp_path() / "launcher").string();
  write_file(tool, "#!/bin/sh\nexec \"${REAL:-/bin/echo}\" \"$@\"\n");
  fs::permissions(tool, fs::perms::owner_all);
  const Outcome outcome = kiln({"exec", "--", tool, "hello"});
  EXPECT_EQ(outcome.out, "hello\n");
  EXPECT_NE(outcome.err.find("warning: " + tool), std::string::npos) << outcome.err;
  EXPECT_EQ(kiln({"exec", "--", "sh", "-c", "echo hello"}).err, "");
}

TEST_F(Exec, StreamsOutputWhileItRuns) {
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  Command command =
      start({"exec", "--", "sh", "-c", "echo first; cat " + gate + " >/dev/null; echo second"});
  // The first line comes before anybody opens the gate.
  ASSERT_TRUE(command.read_until("first\n"));
  write_file(gate, "open");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.out, "first\nsecond\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST_F(Exec, CtrlCKillsTheProcessAndItsDescendants) {
  const std::string pids = (temp_path() / "pids").string();
  Command command =
      start({"exec", "--", "sh", "-c",
             "setsid sh -c 'echo $$ >> " + pids +
                 "; exec sleep 1000' & "
                 "(sleep 1000 & echo $! >> " +
                 pids +
                 "; wait) & "
                 "echo $$ >> " +
                 pids + "; while [ $(wc -l < " + pids + ") -lt 3 ]; do :; done; echo ready; wait"});
  ASSERT_TRUE(command.read_until("ready\n"));
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  std::istringstream text(slurp(pids));
  int seen = 0;
  for (pid_t pid; text >> pid; ++seen) {
    EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0 && errno == ESRCH; })) << pid;
  }
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(eventually([&] { return counter("process.running") == 0; }));
}

TEST_F(Exec, OneClientsCtrlCDoesNotHurtAnother) {
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  const Arguments arguments = {"exec", "--", "sh", "-c", "echo on; cat " + gate};
  Command one = start(arguments);
  ASSERT_TRUE(one.read_until("on\n"));
  Command two = start(arguments);
  // The second is on the same run as soon as the memo says so.
  ASSERT_TRUE(eventually([&] { return counter("memo.joined") == 1; }));
  one.signal(SIGINT);
  EXPECT_EQ(one.wait().exit_code, 130);
  write_file(gate, "done\n");
  const Outcome outcome = two.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "on\ndone\n");
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(Exec, KeepsSandboxesWhenAsked) {
  const auto document =
      exec_json({"--keep-sandboxes", "on_failure", "--env", "QUOTED=it's \"$HOME\""},
                "echo \"$QUOTED\" > made; exit 5");
  ASSERT_TRUE(document["kept_sandbox"].is_string()) << document;
  const fs::path kept = document["kept_sandbox"].get<std::string>();
  EXPECT_EQ(slurp(kept / "made"), "it's \"$HOME\"\n");
  fs::remove(kept / "made");
  const Outcome again =
      run({"bash", (kept / "__run.sh").string()}, {{{"PATH", "/usr/bin:/bin"}}, "/", ""});
  EXPECT_EQ(again.exit_code, 5);
  EXPECT_EQ(slurp(kept / "made"), "it's \"$HOME\"\n");
  EXPECT_TRUE(exec_json({"--keep-sandboxes", "on_failure"}, "exit 0")["kept_sandbox"].is_null());
}

TEST_F(Exec, SaysWhyNoSandboxWasKept) {
  const Arguments command = {"exec", "--keep-sandboxes", "always", "--", "true"};
  EXPECT_EQ(kiln({"exec", "--", "true"}).exit_code, 0);
  const Outcome outcome = kiln(command);
  EXPECT_NE(outcome.err.find("nothing ran, so no sandbox was kept"), std::string::npos)
      << outcome.err;
}

TEST_F(Exec, SaysThatThereIsNoSandboxOfWhatIsNotFound) {
  const Outcome outcome = kiln({"exec", "--keep-sandboxes", "always", "--", "./tool"});
  EXPECT_EQ(outcome.exit_code, 127);
  EXPECT_NE(outcome.err.find("no sandbox was made"), std::string::npos) << outcome.err;
  EXPECT_EQ(kiln({"exec", "--", "./tool"}).err.find("sandbox was made"), std::string::npos);
}

TEST_F(Exec, AnErrorWithJsonIsADocument) {
  const Outcome outcome = kiln({"exec", "--json", "--", "no-such-command"});
  EXPECT_EQ(outcome.exit_code, 127);
  const auto document = nlohmann::json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(document["error"]["code"], "command_not_found") << outcome.out;
  const Outcome misused = kiln({"exec", "--json", "--nonsense"});
  EXPECT_EQ(nlohmann::json::parse(misused.out, nullptr, false)["error"]["code"], "invalid_argument")
      << misused.out;
}

TEST_F(Exec, LeavesNoSandboxBehind) {
  for (int i = 0; i < 5; ++i) exec_json({"--env", "I=" + std::to_string(i)}, "echo x > f");
  const auto sandboxes = [&] {
    size_t n = 0;
    for (const auto& entry : fs::recursive_directory_iterator(home() / "sandboxes"))
      n += entry.is_regular_file();
    return n;
  };
  EXPECT_TRUE(eventually([&] { return sandboxes() == 0; }));
}

TEST_F(Exec, ALargeOutputArrivesWhole) {
  const Outcome outcome =
      kiln({"exec", "--", "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.size(), 20000000u);
  EXPECT_EQ(outcome.out.find_first_not_of('x'), std::string::npos);
}

TEST_F(Exec, AnUpgradedToolIsNotACacheHit) {
  write("bin/tool", "#!/bin/sh\necho one\n");
  ::chmod((workspace() / "bin/tool").c_str(), 0755);
  const std::string path = "PATH=" + (workspace() / "bin").string() + ":/usr/bin:/bin";
  EXPECT_EQ(kiln({"exec", "--env", path, "--", "tool"}).out, "one\n");
  write("bin/tool", "#!/bin/sh\necho two\n");
  EXPECT_EQ(kiln({"exec", "--env", path, "--", "tool"}).out, "two\n");
}

}  // namespace
}  // namespace kiln::test
