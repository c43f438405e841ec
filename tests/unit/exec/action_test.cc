#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "common/types/hash.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

namespace reapi = build::bazel::remote::execution::v2;

class ActionTest : public ExecTest {
 protected:
  ActionTest() {
    process_ = command({"cc", "-c", "a.c"});
    process_.env = {{"PATH", "/bin"}, {"LANG", "C"}};
    process_.inputs = tree({file("a.c", "int a;\n")});
    process_.working_directory = rel("src");
    process_.output_files = paths({"a.d", "a.o"});
    process_.output_directories = paths({"gen"});
    process_.timeout = std::chrono::milliseconds(1500);
    tool_ = HostTool{.path = "/bin/cc",
                     .components = {part(Kind::kExecutable, "/bin/cc", "the compiler"),
                                    part(Kind::kLibrary, "/lib/libc.so.6", "a library")}};
  }
  using Kind = ToolComponent::Kind;
  static ToolComponent part(Kind kind, std::string path, std::string_view content) {
    return {kind, path, file_digest_of(content), path};
  }
  Digest digest() const { return make_action(process_, tool_, "").digest; }

  Process process_;
  HostTool tool_;
};

// The digest is a promise to every cache that ever saw one: whoever changes it throws them away.
#if defined(__x86_64__)
TEST_F(ActionTest, ItsDigestNeverChanges) {
  EXPECT_EQ(to_string(digest()),
            "1c49238ae682e7f907681df89992f9d2095a948344174ba329ce2e460ab45b90/305");
}
#endif

TEST_F(ActionTest, ItsDigestIsWhatSha256sumSays) {
  const Action action = make_action(process_, tool_, "salt");
  for (const auto& [bytes, hash] :
       {std::pair(action.action, action.digest.hash),
        std::pair(action.command, file_digest_of(action.command).hash)}) {
    const std::string path = scratch_ + "/bytes";
    std::ofstream(path, std::ios::binary) << bytes;
    Process sum = shell("sha256sum < " + path);
    EXPECT_EQ(output_of(sum), to_hex(hash) + "  -\n");
  }
  EXPECT_EQ(action.digest.size, static_cast<int64_t>(action.action.size()));
}

TEST_F(ActionTest, SaysInReapiTermsWhatIsRun) {
  const Action made = make_action(process_, tool_, "pepper");
  reapi::Action action;
  ASSERT_TRUE(action.ParseFromString(made.action));
  reapi::Command command;
  ASSERT_TRUE(command.ParseFromString(made.command));
  EXPECT_EQ(action.command_digest().hash(), to_hex(sha256(made.command)));
  EXPECT_EQ(action.input_root_digest().hash(), to_hex(process_.inputs->digest().hash));
  EXPECT_EQ(action.input_root_digest().size_bytes(), process_.inputs->digest().size);
  EXPECT_EQ(action.timeout().seconds(), 1);
  EXPECT_EQ(action.timeout().nanos(), 500'000'000);
  EXPECT_EQ(action.salt(), "pepper");
  EXPECT_EQ(command.arguments(0), "cc");
  EXPECT_EQ(command.environment_variables(0).name(), "LANG");
  EXPECT_EQ(command.environment_variables(1).name(), "PATH");
  EXPECT_EQ(command.working_directory(), "src");
  EXPECT_THAT(command.output_files(), testing::ElementsAre("a.d", "a.o"));
  EXPECT_THAT(command.output_directories(), testing::ElementsAre("gen"));
  EXPECT_THAT(command.output_paths(), testing::ElementsAre("a.d", "a.o", "gen"));
  const auto& properties = action.platform().properties();
  EXPECT_TRUE(std::is_sorted(properties.begin(), properties.end(),
                             [](const auto& a, const auto& b) { return a.name() < b.name(); }));
}

TEST_F(ActionTest, EverythingThatDecidesTheResultIsInTheKey) {
  const std::vector<std::function<void(Process&, HostTool&)>> changes = {
      [](Process& p, HostTool&) { p.argv.push_back("x"); },
      [](Process& p, HostTool&) {
        p.argv = {"cc", "-c a.c"};
      },
      [](Process& p, HostTool&) { p.env["LANG"] = "de"; },
      [](Process& p, HostTool&) { p.env.erase("LANG"); },
      [](Process& p, HostTool&) { p.inputs = store::Tree::empty(); },
      [](Process& p, HostTool&) { p.working_directory = RelPath(); },
      [](Process& p, HostTool&) { p.output_files.pop_back(); },
      [](Process& p, HostTool&) { std::swap(p.output_files, p.output_directories); },
      [](Process& p, HostTool&) { p.timeout.reset(); },
      [](Process& p, HostTool&) { *p.timeout += std::chrono::nanoseconds(1); },
      [](Process& p, HostTool&) { p.sandbox = SandboxLevel::kStrict; },
      [](Process& p, HostTool&) {
        p.sandbox = SandboxLevel::kStrict;
        p.network = Network::kHost;
      },
      [](Process&, HostTool& t) { t.components[0].digest = file_digest_of("an upgrade"); },
      [](Process&, HostTool& t) { t.components[1].digest = file_digest_of("an upgrade"); },
      [](Process&, HostTool& t) { t.components[1].path = "/opt/lib/libc.so.6"; },
      [](Process&, HostTool& t) { t.components[1].kind = Kind::kLoader; },
      [](Process&, HostTool& t) { t.components.pop_back(); },
      [](Process&, HostTool& t) { t.path = "/opt/bin/cc"; },
      [](Process&, HostTool& t) { t.components.clear(); },
  };
  std::vector<Digest> seen = {digest(), make_action(process_, tool_, "salt").digest};
  for (const auto& change : changes) {
    Process process = process_;
    HostTool tool = tool_;
    change(process, tool);
    seen.push_back(make_action(process, tool, "").digest);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(ActionTest, WhatIsOnlyShownOrDecidesAnErrorIsNot) {
  const Digest before = digest();
  process_.description = "other words";
  process_.cache_scope = CacheScope::kAlways;
  tool_.components[0].file = "/usr/bin/cc-12";
  EXPECT_EQ(digest(), before);
}

}  // namespace
}  // namespace kiln::exec
