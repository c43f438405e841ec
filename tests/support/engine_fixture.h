// EngineFixture: one workspace with everything below the services that answers from it: the real
// watcher, graph and functions; a store in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/file.h"
#include "daemon/async/executor.h"
#include "daemon/async/sync_wait.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/file_system.h"
#include "daemon/store/memory_store.h"
#include "daemon/store/tree_ops.h"
#include "daemon/trace/counters.h"
#include "daemon/watch/watcher.h"
#include "tests/support/counting_watcher.h"
#include "tests/support/lossy_store.h"
#include "tests/support/quiet_log.h"
#include "tests/support/temp_directory.h"

namespace kiln::test {

// What globs select, as their node has it.
struct Capture {
  store::TreePtr tree;
  std::vector<std::string> notes;
  std::vector<std::string> unmatched;
  std::vector<std::string> why = {};  // they are unmatched, for those that a rule explains
};

// What a request made happen.
struct Work {
  int64_t ran = 0;      // functions of the graph
  int64_t cut_off = 0;  // of those, how many came to the value they had
  int64_t listed = 0;   // directories
  int64_t looked = 0;   // at files
  int64_t read = 0;     // files
  friend bool operator==(const Work&, const Work&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Work& work) {
    return out << "ran " << work.ran << ", cut off " << work.cut_off << ", listed " << work.listed
               << ", looked at " << work.looked << ", read " << work.read;
  }
};

class EngineFixture : public testing::Test {
 protected:
  explicit EngineFixture(uint64_t max_watches = 0, intrinsics::Surroundings surroundings = {})
      : blocking_("blocking", 2),
        home_("home", 2),
        router_(workspaces_),
        store_(std::make_unique<LossyStore>(store::make_memory_store())),
        watcher_(std::make_unique<CountingWatcher>(
            *watch::make_inotify_watcher(router_, log_, max_watches))),
        fs_counters_(counters_),
        files_({*watcher_, *store_, home_, blocking_, fs_counters_, router_},
               std::move(surroundings)),
        graph_(std::make_unique<graph::Graph>(home_)),
        opened_(*workspaces_.open(disk_.path())),
        workspace_(*opened_) {
    router_.attach(*graph_);
  }
  ~EngineFixture() override {
    router_.detach();
    watcher_->synchronize();
  }

  using Globs = std::vector<std::string>;

  // A capture as a request of its own.
  Result<Capture> try_capture(const Globs& globs, std::string_view ignore = "") {
    return capture_by(*graph_, globs, ignore);
  }
  Capture capture(const Globs& globs, std::string_view ignore = "") {
    auto captured = try_capture(globs, ignore);
    EXPECT_TRUE(captured.ok()) << captured.error().to_string();
    if (!captured.ok()) return {store::Tree::empty(), {}, {}};
    return *std::move(captured);
  }
  // "path=content" of every file, "path/" of empty directories.
  std::vector<std::string> captured(const Globs& globs, std::string_view ignore = "") {
    return shown(*capture(globs, ignore).tree);
  }
  // The same with nothing remembered but what is on disk.
  Result<Capture> try_capture_from_scratch(const Globs& globs, std::string_view ignore = "") {
    graph::Graph fresh(home_);
    return capture_by(fresh, globs, ignore);
  }
  Capture capture_from_scratch(const Globs& globs, std::string_view ignore = "") {
    auto captured = try_capture_from_scratch(globs, ignore);
    EXPECT_TRUE(captured.ok()) << captured.error().to_string();
    return *std::move(captured);
  }

  std::vector<std::string> shown(const store::Tree& tree, const std::string& prefix = "") {
    std::vector<std::string> lines;
    for (const store::Entry& entry : tree.entries()) {
      const std::string path = prefix + entry.name;
      if (const auto* below = std::get_if<store::TreePtr>(&entry.node)) {
        if ((*below)->entries().empty()) lines.push_back(path + "/");
        const auto more = shown(**below, path + "/");
        lines.insert(lines.end(), more.begin(), more.end());
      } else if (const auto* link = std::get_if<store::Symlink>(&entry.node)) {
        lines.push_back(path + "->" + link->target);
      } else {
        const auto& file = std::get<store::File>(entry.node);
        lines.push_back(path + (file.executable ? "*" : "") + "=" +
                        *store_->blobs().get(file.digest));
      }
    }
    return lines;
  }

  // What happened since the last call.
  Work work() {
    const graph::Stats stats = graph_->stats();
    const Work total{static_cast<int64_t>(stats.ran), static_cast<int64_t>(stats.cut_off),
                     fs_counters_.directories_listed.value(), fs_counters_.files_statted.value(),
                     fs_counters_.files_hashed.value()};
    const Work before = std::exchange(counted_, total);
    return {total.ran - before.ran, total.cut_off - before.cut_off, total.listed - before.listed,
            total.looked - before.looked, total.read - before.read};
  }

  void write(std::string_view path, std::string_view content) { disk_.write(path, content); }
  void link(const std::string& target, std::string_view path) {
    disk_.make_directory(std::filesystem::path(path).parent_path().string());
    std::filesystem::create_symlink(target, disk_.path(path));
  }
  void remove(std::string_view path) { std::filesystem::remove_all(disk_.path(path)); }
  void rename(std::string_view from, std::string_view to) {
    std::filesystem::rename(disk_.path(from), disk_.path(to));
  }
  static RelPath rel(std::string_view path) { return *RelPath::parse(path); }
  store::PathEntry file(std::string_view path, std::string_view content, bool executable = false) {
    return {rel(path), store::File{*store_->blobs().put(content), executable}};
  }
  // Old enough for its stat to be remembered.
  static void settle() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
    std::this_thread::sleep_until(until);
  }

  TempDirectory disk_;
  QuietLog log_;
  Counters counters_;
  ThreadPool blocking_;
  ThreadPool home_;
  intrinsics::Workspaces workspaces_;
  intrinsics::ChangeRouter router_;
  const std::unique_ptr<LossyStore> store_;
  const std::unique_ptr<CountingWatcher> watcher_;
  intrinsics::FsCounters fs_counters_;
  intrinsics::FileSystem files_;
  std::unique_ptr<graph::Graph> graph_;
  const intrinsics::WorkspaceRef opened_;
  const intrinsics::Workspace& workspace_;
  intrinsics::IgnoreRulesFor rules_ = intrinsics::IgnoreRulesFor::kWildcards;  // of all captures
  bool names_only_ = false;

 private:
  Result<Capture> capture_by(graph::Graph& graph, const Globs& globs, std::string_view ignore) {
    auto query = intrinsics::make_glob_query(globs, ignore, names_only_, rules_);
    if (!query.ok()) return query.error();
    watcher_->synchronize();
    const auto answer =
        sync_wait(home_, graph.request(files_.glob(workspace_, *query), RunId{++last_run_}, {}));
    if (!answer.ok()) return answer.error();
    const auto& found = graph::value_as<intrinsics::GlobResult>(answer->value);
    Capture captured{found.tree, intrinsics::note_lines(found),
                     intrinsics::unmatched_globs(**query, found)};
    for (const std::string& glob : captured.unmatched) {
      const std::string why = intrinsics::why_unmatched(**query, found, glob);
      if (!why.empty()) captured.why.push_back(why);
    }
    return captured;
  }

  uint64_t last_run_ = 0;
  Work counted_;
};

}  // namespace kiln::test
