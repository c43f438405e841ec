// Tools as nodes: found anew whenever something on the way to them changes, and only then.
#include "daemon/intrinsics/host/host_tool_function.h"

#include <fcntl.h>

#include "daemon/graph/graph.h"
#include "tests/support/engine_fixture.h"
#include "tests/unit/intrinsics/tool_of.h"

namespace kiln::intrinsics {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class HostToolFunctionTest : public test::EngineFixture {
 protected:
  HostToolFunctionTest()
      : digests_(fs_counters_),
        tools_(files_.functions(), workspaces_.host(), digests_, home_, blocking_),
        tool_of_(tools_) {}
  // The graph holds keys of functions that live here.
  ~HostToolFunctionTest() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();
  }

  void tool(std::string_view path, std::string_view content, mode_t mode = 0755) {
    write(path, content);
    ::chmod(disk_.path(path).c_str(), mode);
  }
  std::string in_path(std::initializer_list<std::string_view> directories) {
    std::string path;
    for (const std::string_view directory : directories) {
      path += (path.empty() ? "" : ":") + disk_.path(directory);
    }
    return path;
  }
  static exec::Process process(std::string command, std::string path = "/no/such") {
    exec::Process process;
    process.argv = {std::move(command)};
    process.env = {{"PATH", std::move(path)}};
    process.inputs = store::Tree::empty();
    return process;
  }

  // As a request of its own.
  Result<exec::HostTool> request(const exec::Process& process) {
    watcher_->synchronize();
    return request_from(*graph_, tool_of_, process);
  }
  Result<exec::HostTool> request_from(graph::Graph& graph, const ToolOf& tool_of,
                                      const exec::Process& process) {
    const auto answer =
        sync_wait(home_, graph.request(tool_of.key(process), RunId{++last_run_}, {}));
    if (!answer.ok()) return answer.error();
    return graph::value_as<ToolOf::Found>(answer->value).tool;
  }
  // "path=content" below the workspace, or the message of the error.
  std::string found(const exec::Process& process) {
    const auto tool = request(process);
    if (!tool.ok()) return tool.error().message();
    if (tool->components.empty()) return tool->path + " among the inputs";
    EXPECT_TRUE(tool->path.starts_with(disk_.path() + "/")) << tool->path;
    for (const std::string& content : contents_) {
      if (*store_->blobs().put(content) == tool->components.front().digest) {
        return tool->path.substr(disk_.path().size() + 1) + "=" + content;
      }
    }
    return tool->path + " of unknown content";
  }
  int64_t hashed() {
    const int64_t total = fs_counters_.tools_hashed.value();
    return total - std::exchange(hashed_, total);
  }
  // Asks again, of a world in which nothing changed that matters.
  void expect_nothing_done(const exec::Process& process) {
    work();
    hashed();
    found(process);
    EXPECT_EQ(work(), test::Work());
    EXPECT_EQ(hashed(), 0);
  }

  HostTools digests_;
  const HostToolFunction tools_;
  const ToolOf tool_of_;
  const std::vector<std::string> contents_ = {"one", "two", "six", "data"};

 private:
  uint64_t last_run_ = 0;
  int64_t hashed_ = 0;
};

TEST_F(HostToolFunctionTest, TheFirstExecutableOfPathIsTakenAndLookedAtOnce) {
  tool("a/cc", "data", 0644);
  tool("b/cc", "one");
  tool("c/cc", "two");
  const exec::Process cc = process("cc", "/no/such:" + in_path({"a", "b", "c"}));
  EXPECT_EQ(found(cc), "b/cc=one");
  EXPECT_EQ(hashed(), 1);
  expect_nothing_done(cc);
}

TEST_F(HostToolFunctionTest, AToolReplacedByRenameIsSeen) {
  tool("bin/cc", "one");
  const exec::Process cc = process("cc", in_path({"bin"}));
  EXPECT_EQ(found(cc), "bin/cc=one");
  tool("bin/cc.new", "two");
  rename("bin/cc.new", "bin/cc");
  EXPECT_EQ(found(cc), "bin/cc=two");
  expect_nothing_done(cc);
}

TEST_F(HostToolFunctionTest, AToolEditedInPlaceIsSeenHoweverSoon) {
  tool("cc", "one");
  const exec::Process cc = process(disk_.path("cc"));
  EXPECT_EQ(found(cc), "cc=one");
  // The length stays, and within one timestamp so does the stat.
  for (int i = 0; i < 50; ++i) {
    write("cc", i % 2 == 0 ? "two" : "six");
    EXPECT_EQ(found(cc), i % 2 == 0 ? "cc=two" : "cc=six");
  }
}

TEST_F(HostToolFunctionTest, AnOldToolEditedInPlaceIsSeen) {
  tool("cc", "one");
  settle();
  const exec::Process cc = process(disk_.path("cc"));
  EXPECT_EQ(found(cc), "cc=one");
  write("cc", "two");
  EXPECT_EQ(found(cc), "cc=two");
}

TEST_F(HostToolFunctionTest, AlternativesAreFollowedAndAnySwitchIsSeen) {
  tool("lib/gcc-12", "one");
  tool("lib/clang-16", "two");
  link(disk_.path("etc/alternatives/cc"), "bin/cc");
  link("../../lib/gcc", "etc/alternatives/cc");
  link("gcc-12", "lib/gcc");
  link("bin", "sbin");
  const exec::Process cc = process("cc", in_path({"sbin"}));
  EXPECT_EQ(found(cc), "sbin/cc=one");
  expect_nothing_done(cc);
  // ln -sfn: beside, then renamed.
  link("../../lib/clang-16", "etc/alternatives/cc.tmp");
  rename("etc/alternatives/cc.tmp", "etc/alternatives/cc");
  EXPECT_EQ(found(cc), "sbin/cc=two");
  remove("etc/alternatives/cc");
  EXPECT_THAT(found(cc), HasSubstr("cannot find 'cc' in PATH="));
  link("../../lib/gcc", "etc/alternatives/cc");
  EXPECT_EQ(found(cc), "sbin/cc=one");
  tool("lib/gcc-12", "six");
  EXPECT_EQ(found(cc), "sbin/cc=six");
  remove("sbin");
  tool("sbin/cc", "data");
  EXPECT_EQ(found(cc), "sbin/cc=data");
}

TEST_F(HostToolFunctionTest, AToolThatAppearsEarlierInPathIsTaken) {
  tool("b/cc", "one");
  fs::create_directory(disk_.path("a"));
  const exec::Process cc = process("cc", in_path({"missing/deep", "a", "b"}));
  EXPECT_EQ(found(cc), "b/cc=one");
  expect_nothing_done(cc);
  tool("a/cc", "two");
  EXPECT_EQ(found(cc), "a/cc=two");
  fs::create_directory(disk_.path("missing"));
  EXPECT_EQ(found(cc), "a/cc=two");
  tool("missing/deep/cc", "six");
  EXPECT_EQ(found(cc), "missing/deep/cc=six");
  remove("missing");
  EXPECT_EQ(found(cc), "a/cc=two");
  ::chmod(disk_.path("a/cc").c_str(), 0644);
  EXPECT_EQ(found(cc), "b/cc=one");
  ::chmod(disk_.path("a/cc").c_str(), 0755);
  EXPECT_EQ(found(cc), "a/cc=two");
  remove("a");
  EXPECT_EQ(found(cc), "b/cc=one");
}

TEST_F(HostToolFunctionTest, ADirectoryOnTheWayThatIsReplacedIsSeen) {
  tool("opt/bin/cc", "one");
  tool("next/bin/cc", "two");
  const exec::Process cc = process("cc", in_path({"opt/bin"}));
  EXPECT_EQ(found(cc), "opt/bin/cc=one");
  rename("opt", "previous");
  EXPECT_THAT(found(cc), HasSubstr("cannot find 'cc'"));
  rename("next", "opt");
  EXPECT_EQ(found(cc), "opt/bin/cc=two");
  remove("opt");
  write("opt", "data");
  EXPECT_THAT(found(cc), HasSubstr("cannot find 'cc'"));
}

TEST_F(HostToolFunctionTest, NothingIsReadForWhatDoesNotMatter) {
  tool("bin/cc", "one");
  const exec::Process cc = process("cc", in_path({"missing", "bin"}));
  settle();
  EXPECT_EQ(found(cc), "bin/cc=one");
  write("bin/other", "x");
  fs::create_directory(disk_.path("bin/folder"));
  write("data", "x");
  remove("bin/other");
  expect_nothing_done(cc);
}

TEST_F(HostToolFunctionTest, ATouchedToolIsHashedAndIsTheSame) {
  tool("bin/cc", "one");
  const exec::Process cc = process("cc", in_path({"bin"}));
  settle();
  EXPECT_EQ(found(cc), "bin/cc=one");
  work();
  hashed();
  fs::last_write_time(disk_.path("bin/cc"), fs::file_time_type::clock::now());
  EXPECT_EQ(found(cc), "bin/cc=one");
  EXPECT_EQ(hashed(), 1);
  EXPECT_EQ(work(), (test::Work{.ran = 2, .cut_off = 1, .looked = 1})) << "metadata and tool";
}

TEST_F(HostToolFunctionTest, AToolWithSeveralNamesIsLookedAtInEachRunAndHashedOnce) {
  tool("bin/cc", "one");
  fs::create_hard_link(disk_.path("bin/cc"), disk_.path("elsewhere"));
  settle();
  const exec::Process cc = process("cc", in_path({"bin"}));
  EXPECT_EQ(found(cc), "bin/cc=one");
  EXPECT_EQ(hashed(), 1);
  work();
  EXPECT_EQ(found(cc), "bin/cc=one");
  EXPECT_EQ(work().looked, 1);
  EXPECT_EQ(hashed(), 0);
  const UniqueFd fd = *open_file(disk_.path("elsewhere"), O_WRONLY);
  EXPECT_EQ(::pwrite(fd.get(), "two", 3, 0), 3);
  EXPECT_EQ(found(cc), "bin/cc=two");
}

TEST_F(HostToolFunctionTest, LargeToolsAreHashedWhole) {
  std::string large(size_t{3} << 20, 'x');
  tool("cc", large);
  auto cc = request(process(disk_.path("cc")));
  ASSERT_TRUE(cc.ok()) << cc.error().to_string();
  EXPECT_EQ(cc->components.front().digest, *store_->blobs().put(large));
  large.back() = 'y';
  write("cc", large);
  EXPECT_EQ(request(process(disk_.path("cc")))->components.front().digest,
            *store_->blobs().put(large));
}

TEST_F(HostToolFunctionTest, DotsSlashesAndLinksAreWalkedAsTheKernelDoes) {
  tool("real/deep/cc", "one");
  link("real/deep", "way");
  link("way/", "slashed");
  link("cc/", "real/deep/no-directory");
  for (const char* path : {"way/cc", "way/../deep/cc", ".//real/./deep//cc", "slashed/cc"}) {
    EXPECT_EQ(found(process(disk_.path(path))), std::string(path) + "=one");
    EXPECT_EQ(::access(disk_.path(path).c_str(), X_OK), 0) << path;
  }
  EXPECT_TRUE(request(process("/../../.." + disk_.path("way/cc"))).ok());
  for (const char* path : {"way/cc/", "way/cc/.", "real/deep/no-directory", "way/../cc"}) {
    EXPECT_THAT(found(process(disk_.path(path))), HasSubstr("on this machine")) << path;
    EXPECT_NE(::access(disk_.path(path).c_str(), X_OK), 0) << path;
  }
}

TEST_F(HostToolFunctionTest, LoopsEnd) {
  link("b", "a");
  link("a", "b");
  EXPECT_THAT(found(process(disk_.path("a"))), HasSubstr("on this machine"));
  remove("a");
  tool("a", "one");
  EXPECT_EQ(found(process(disk_.path("b"))), "b=one");
}

TEST_F(HostToolFunctionTest, SaysWhatIsNotExecutableUntilItIs) {
  tool("cc", "one", 0644);
  const exec::Process cc = process(disk_.path("cc"));
  const auto refused = request(cc);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCommandNotExecutable);
  EXPECT_THAT(refused.error().message(), HasSubstr(disk_.path("cc")));
  expect_nothing_done(cc);
  ::chmod(disk_.path("cc").c_str(), 0755);
  EXPECT_EQ(found(cc), "cc=one");
  EXPECT_EQ(request(process(disk_.path())).error().code(), ErrorCode::kCommandNotExecutable);
  EXPECT_EQ(request(process("/dev/null")).error().code(), ErrorCode::kCommandNotExecutable);
}

TEST_F(HostToolFunctionTest, WhatIsNotFoundIsRememberedUntilItIs) {
  const exec::Process cc = process("cc", in_path({"a", "b/c"}));
  const auto none = request(cc);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kCommandNotFound);
  EXPECT_THAT(none.error().message(), HasSubstr("PATH=" + in_path({"a", "b/c"})));
  expect_nothing_done(cc);
  tool("b/c/cc", "one");
  EXPECT_EQ(found(cc), "b/c/cc=one");
}

TEST_F(HostToolFunctionTest, ToolsAmongTheInputsAreNotLookedForOnTheHost) {
  tool("cc", "one");
  exec::Process cc = process("./cc");
  cc.inputs = *store::tree_of({file("cc", "two", true)});
  work();
  EXPECT_EQ(found(cc), "./cc among the inputs");
  EXPECT_EQ(work().looked, 0);
}

TEST_F(HostToolFunctionTest, TheLimitOfWatchesMakesItLookInEachRun) {
  tool("bin/cc", "one");
  const exec::Process cc = process("cc", in_path({"bin"}));
  auto watcher = *watch::make_inotify_watcher(router_, log_, 1);
  const FsFunctions unwatched({*watcher, *store_, home_, blocking_, fs_counters_, router_});
  const HostToolFunction tools(unwatched, workspaces_.host(), digests_, home_, blocking_);
  const ToolOf tool_of(tools);
  graph::Graph graph(home_);
  settle();
  for (const char* content : {"one", "two", "six"}) {
    write("bin/cc", content);
    watcher->synchronize();
    const auto tool = request_from(graph, tool_of, cc);
    ASSERT_TRUE(tool.ok()) << tool.error().to_string();
    EXPECT_EQ(tool->components.front().digest, *store_->blobs().put(content));
  }
}

}  // namespace
}  // namespace kiln::intrinsics
