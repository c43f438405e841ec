// The barrier, hammered: a write that has returned is seen by the synchronize() after it, whatever
// else happens at the time.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "daemon/watch/watcher.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/watch/recording_sink.h"

namespace kiln::watch {
namespace {

// Remembers which names of a directory it was told of.
class NamesSink final : public ChangeSink {
 public:
  void changed(std::span<const Change> changes) override {
    names_.with([&](auto& names) {
      for (const Change& change : changes) {
        names.insert(change.directory + "/" + change.name);
        if (change.kind == Change::Kind::kOverflow) overflowed_ = true;
      }
    });
  }
  bool take(const std::string& path) {
    return names_.with([&](auto& names) { return names.erase(path) != 0; });
  }
  bool overflowed() const { return overflowed_; }

 private:
  Synchronized<std::set<std::string>> names_;
  std::atomic<bool> overflowed_ = false;
};

int rounds(int usual) {
  const char* wanted = std::getenv("KILN_FUZZ_ROUNDS");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}

class ReadYourWrites : public testing::Test {
 protected:
  // Writes and asks at once, in a directory of its own; how often the write was not seen.
  int writer(Watcher& watcher, const std::string& name) {
    const std::string directory = root_.path(name);
    const std::string file = directory + "/f";
    const std::string other = directory + "/g";
    int missed = 0;
    for (int i = 0; i < rounds(10000); ++i) {
      switch (i % 4) {
        case 0: {
          const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
          missed += ::write(fd, "x", 1) == 1 ? 0 : 1;
          watcher.synchronize();  // before the close
          missed += sink_.take(file) ? 0 : 1;
          ::close(fd);
          break;
        }
        case 1:
          ::chmod(file.c_str(), i % 8 == 1 ? 0600 : 0644);
          break;
        case 2:
          ::rename(file.c_str(), other.c_str());
          break;
        case 3:
          ::rename(other.c_str(), file.c_str());
          break;
      }
      watcher.synchronize();
      missed += sink_.take(file) ? 0 : 1;
      sink_.take(other);
    }
    return missed;
  }

  // Creates, renames and removes directories and files until told to stop.
  void storm(Watcher& watcher, const std::atomic<bool>& stop) {
    const std::string a = root_.path("storm/a");
    const std::string b = root_.path("storm/b");
    while (!stop) {
      ::mkdir(a.c_str(), 0755);
      (void)watcher.watch(a);
      for (int i = 0; i < 20; ++i) {
        ::close(
            ::open((a + "/" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
      }
      ::rename(a.c_str(), b.c_str());
      (void)watcher.watch(b);
      std::filesystem::remove_all(b);
    }
  }

  test::TempDirectory root_;
  NamesSink sink_;
  RecordingLog log_;
};

TEST_F(ReadYourWrites, HoldsForConcurrentWritersAmongOtherChanges) {
  auto watcher = *make_inotify_watcher(sink_, log_);
  for (const char* name : {"one", "two", "storm"}) {
    root_.make_directory(name);
    ASSERT_TRUE(watcher->watch(root_.path(name)).ok());
  }
  std::atomic<bool> stop = false;
  std::thread noise([&] { storm(*watcher, stop); });
  int missed_by_two = 0;
  std::thread two([&] { missed_by_two = writer(*watcher, "two"); });
  const int missed_by_one = writer(*watcher, "one");
  two.join();
  stop = true;
  noise.join();
  ASSERT_FALSE(sink_.overflowed()) << "the test overran the queue; nothing can be said";
  EXPECT_EQ(missed_by_one, 0);
  EXPECT_EQ(missed_by_two, 0);
}

TEST_F(ReadYourWrites, ChangesReachTheSinkWhenNobodyAsks) {
  auto watcher = *make_inotify_watcher(sink_, log_);
  ASSERT_TRUE(watcher->watch(root_.path()).ok());
  root_.write("f", "");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool seen = false;
  while (!seen && std::chrono::steady_clock::now() < deadline) {
    seen = sink_.take(root_.path("f"));
    std::this_thread::yield();
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace kiln::watch
