// What tests of runners share: a store in memory, a directory for sandboxes, short ways to run.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "daemon/async/executor.h"
#include "daemon/async/sync_wait.h"
#include "daemon/exec/runners.h"
#include "daemon/store/memory_store.h"
#include "daemon/store/tree_ops.h"
#include "tests/support/eventually.h"

namespace kiln::exec {

class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    lines_.with([&](auto& lines) { lines.emplace_back(message); });
  }
  std::vector<std::string> lines() const {
    return lines_.with([](const auto& lines) { return lines; });
  }

 private:
  Synchronized<std::vector<std::string>> lines_;
};

class ExecTest : public testing::Test {
 protected:
  ExecTest() : pool_("test", 2) {
    std::string path = testing::TempDir() + "exec-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    scratch_ = std::filesystem::canonical(path).string();
    sandboxes_ = scratch_ + "/sandboxes";
    store_ = store::make_memory_store();
  }
  ~ExecTest() override {
    runner_.reset();
    std::filesystem::remove_all(scratch_);
  }

  static RelPath rel(std::string_view path) { return *RelPath::parse(path); }

  store::TreePtr tree(std::vector<store::PathEntry> entries) {
    return *store::tree_of(std::move(entries));
  }
  store::PathEntry file(std::string_view path, std::string_view content, bool executable = false) {
    return {rel(path), store::File{*store_->blobs().put(content), executable}};
  }
  static store::PathEntry symlink(std::string_view path, std::string target) {
    return {rel(path), store::Symlink{std::move(target)}};
  }
  static store::PathEntry directory(std::string_view path) {
    return {rel(path), store::Tree::empty()};
  }

  static Process command(std::vector<std::string> argv) {
    Process process;
    process.argv = std::move(argv);
    process.description = "a test's process";
    process.inputs = store::Tree::empty();
    process.env = {{"PATH", "/usr/bin:/bin"}};
    return process;
  }
  static Process shell(std::string script) { return command({"/bin/sh", "-c", std::move(script)}); }
  static std::vector<RelPath> paths(std::initializer_list<std::string_view> texts) {
    std::vector<RelPath> result;
    for (const std::string_view text : texts) result.push_back(rel(text));
    return result;
  }

  ProcessRunner& runner() {
    if (runner_ == nullptr) {
      SandboxOptions options;
      options.directory = sandboxes_;
      options.instance = static_cast<uint32_t>(::getpid());
      options.grace = std::chrono::milliseconds(100);
      options.patience = patience_;
      auto made = make_sandbox_runner(options, *store_, pool_, counters_, log_);
      EXPECT_TRUE(made.ok()) << made.error().to_string();
      runner_ = *std::move(made);
    }
    return *runner_;
  }

  struct How {
    KeepSandboxes keep = KeepSandboxes::kNever;
    ProcessObserver* observer = nullptr;
    std::stop_token stop = {};
    std::string tool = {};  // empty: argv[0]
  };
  Result<RunResult> run(const Process& process, How how) {
    const HostTool tool{.path = how.tool.empty() ? process.argv[0] : how.tool, .components = {}};
    const Action action = make_action(process, tool, "");
    const RunRequest request{.process = process,
                             .tool = tool,
                             .action = action,
                             .run = RunId{1},
                             .keep = how.keep,
                             .observer = how.observer,
                             .stop = how.stop};
    return sync_wait(pool_, runner().run(request));
  }
  Result<RunResult> run(const Process& process) { return run(process, How{}); }

  std::string blob(const FileDigest& digest) {
    auto content = store_->blobs().get(digest);
    return content.ok() ? *content : content.error().to_string();
  }
  // What the process wrote to stdout; its failure instead, if there is one.
  std::string output_of(const Process& process) {
    auto result = run(process);
    if (!result.ok()) return result.error().to_string();
    if (result->result.exit_code != 0) return "exit " + std::to_string(result->result.exit_code);
    return blob(result->result.stdout_digest);
  }
  // The output tree as lines: "path = content", "path -> target", "path/".
  std::vector<std::string> outputs_of(const RunResult& result) {
    std::vector<std::string> lines;
    const auto tree = store_->trees().load(result.result.output_digest);
    if (!tree.ok()) return {tree.error().to_string()};
    const auto leaves = store::leaves_of(*tree);
    if (!leaves.ok()) return {leaves.error().to_string()};
    for (const store::PathEntry& leaf : *leaves) {
      if (const auto* file = std::get_if<store::File>(&leaf.node)) {
        lines.push_back(leaf.path.str() + (file->executable ? "* = " : " = ") + blob(file->digest));
      } else if (const auto* link = std::get_if<store::Symlink>(&leaf.node)) {
        lines.push_back(leaf.path.str() + " -> " + link->target);
      } else {
        lines.push_back(leaf.path.str() + "/");
      }
    }
    return lines;
  }

  std::chrono::milliseconds patience_ = std::chrono::seconds(20);  // before the runner is made
  std::string scratch_;
  std::string sandboxes_;
  std::unique_ptr<store::Store> store_;
  Counters counters_;
  RecordingLog log_;
  ThreadPool pool_;
  std::unique_ptr<ProcessRunner> runner_;  // made at first use
};

}  // namespace kiln::exec
