// A sink and a log that remember what they were told, for tests of the watcher.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/sync.h"
#include "daemon/watch/watcher.h"

namespace kiln::watch {

inline std::string to_string(const Change& change) {
  switch (change.kind) {
    case Change::Kind::kEntry:
      return "entry " + change.directory + " " + change.name;
    case Change::Kind::kContent:
      return "content " + change.directory + " " + change.name;
    case Change::Kind::kDirectory:
      return "directory " + change.directory;
    case Change::Kind::kOverflow:
      return "overflow";
  }
  return "?";
}

// `directory` and below shown relative to `root`.
inline std::vector<std::string> shown(std::span<const Change> changes, const std::string& root) {
  std::vector<std::string> texts;
  for (Change change : changes) {
    if (change.directory == root) change.directory = ".";
    if (change.directory.starts_with(root + "/")) change.directory.erase(0, root.size() + 1);
    texts.push_back(to_string(change));
  }
  return texts;
}

class RecordingSink final : public ChangeSink {
 public:
  void changed(std::span<const Change> changes) override {
    changes_.with([&](auto& all) { all.insert(all.end(), changes.begin(), changes.end()); });
  }
  uint64_t forgotten() const override {
    return unneeded_.with([](const auto& unneeded) { return unneeded.first; });
  }
  bool needs(const std::string& directory) const override {
    return unneeded_.with([&](const auto& unneeded) {
      return std::find(unneeded.second.begin(), unneeded.second.end(), directory) ==
             unneeded.second.end();
    });
  }
  // Nothing that was read in these directories is remembered any more.
  void forget(std::vector<std::string> directories) {
    unneeded_.with([&](auto& unneeded) {
      unneeded = {unneeded.first + 1, std::move(directories)};
    });
  }
  // What was told since the last call.
  std::vector<Change> take() {
    return changes_.with([](auto& all) { return std::exchange(all, {}); });
  }

 private:
  Synchronized<std::vector<Change>> changes_;
  Synchronized<std::pair<uint64_t, std::vector<std::string>>> unneeded_;
};

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

}  // namespace kiln::watch
