// kiln doctor: what it finds on machines that lack something.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Doctor : public KilnTest {
 protected:
  static std::map<std::string, nlohmann::json> by_subject(const Outcome& outcome) {
    std::map<std::string, nlohmann::json> findings;
    const auto document = nlohmann::json::parse(outcome.out, nullptr, false);
    for (const auto& finding : document["findings"]) findings[finding["subject"]] = finding;
    return findings;
  }
  Outcome run_in_shell(const std::string& script) {
    return run({"/bin/sh", "-c", script}, {environment(), workspace().string(), ""});
  }
};

TEST_F(Doctor, NamesWhatItLookedAt) {
  const auto findings = by_subject(kiln({"doctor", "--json"}));
  for (const char* subject : {"daemon", "strict sandboxes", "watches", "open files", "disk",
                              "memory", "limits", "workspace"}) {
    ASSERT_TRUE(findings.contains(subject)) << subject;
    const nlohmann::json& finding = findings.at(subject);
    EXPECT_EQ(finding.contains("fix"), finding["state"] != "good") << finding;
  }
  EXPECT_THAT(findings.at("workspace")["found"].get<std::string>(),
              HasSubstr(workspace().string()));
  EXPECT_THAT(kiln({"doctor"}).out, HasSubstr("✓ daemon: runs, for " + home().string() + "\n"));
}

TEST_F(Doctor, SaysHowToGetStrictSandboxes) {
  const Outcome outcome = run_in_shell(
      "exec unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && "
      "exec " +
      client().string() + " doctor --json'");
  if (outcome.out.empty()) GTEST_SKIP() << outcome.err;
  EXPECT_EQ(outcome.exit_code, 0) << "kiln works without";
  const nlohmann::json finding = by_subject(outcome)["strict sandboxes"];
  EXPECT_EQ(finding["state"], "weak");
  EXPECT_THAT(finding["found"].get<std::string>(),
              AllOf(HasSubstr("user namespaces"), HasSubstr("plain")));
  EXPECT_THAT(finding["fix"].get<std::string>(), HasSubstr("sysctl user.max_user_namespaces"));
}

TEST_F(Doctor, FindsAFewOpenFilesTooFew) {
  const auto findings =
      by_subject(run_in_shell("ulimit -n 600; exec " + client().string() + " doctor --json"));
  EXPECT_EQ(findings.at("open files")["state"], "weak");
  EXPECT_THAT(findings.at("open files")["found"].get<std::string>(), HasSubstr("600"));
  EXPECT_EQ(findings.at("limits")["state"], "weak") << "processes want 1024";
}

TEST_F(Doctor, SaysWhyThereIsNoDaemon) {
  environment()["KILN_HOME"] = "/proc/nowhere";
  const Outcome outcome = kiln({"doctor"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("✗ daemon: the daemon did not start"),
                                 HasSubstr("\n    KILN_HOME is where kiln keeps its store")));
  EXPECT_EQ(by_subject(kiln({"doctor", "--json"})).at("daemon")["state"], "bad");
}

TEST_F(Doctor, WorksWhereThereIsNoWorkspace) {
  const std::filesystem::path bare = temp_path() / "bare";
  std::filesystem::create_directory(bare);
  const Outcome outcome = kiln_in(bare, {"doctor"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("! workspace: neither"), HasSubstr("kiln.toml")));
}

}  // namespace
}  // namespace kiln::test
