// Inputs belong to the process that gets them, at every size: what it does to them reaches neither
// the durable store nor another process.

#include <sys/stat.h>

#include "common/types/hash.h"
#include "daemon/store/file_time.h"
#include "daemon/store/rocks_store.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

class OwnInputs : public ExecTest {
 protected:
  OwnInputs() {
    auto opened = store::open_rocks_store({.path = scratch_ + "/store"}, log_);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    store_ = *std::move(opened);
  }
  ~OwnInputs() override {
    runner_.reset();
    store_.reset();
  }
  const std::string small_ = "small";
  const std::string large_ = std::string(200'000, 'L');
};

TEST_F(OwnInputs, HaveTheirModeAndOneNameAtEverySize) {
  Process process = shell("stat -c '%n %A %h' *");
  process.inputs = tree(
      {file("1", small_), file("2", small_, true), file("3", large_), file("4", large_, true)});
  EXPECT_EQ(output_of(process), "1 -rw-r--r-- 1\n2 -rwxr-xr-x 1\n3 -rw-r--r-- 1\n4 -rwxr-xr-x 1\n");
}

TEST_F(OwnInputs, OfOneContentAreFilesApart) {
  Process process = shell("echo changed > a; cat b | sha256sum");
  process.inputs = tree({file("a", large_), file("b", large_)});
  EXPECT_EQ(output_of(process), to_hex(file_digest_of(large_).hash) + "  -\n");
}

TEST_F(OwnInputs, WrittenInPlaceLeaveTheStoreAlone) {
  const std::string other = std::string(200'000, 'O');
  for (const char* damage :
       {"echo damage | dd of=in conv=notrunc 2>/dev/null", "echo damage >> in", ": > in",
        "cp -p other in", "chmod 4777 in", "rm in; echo mine > in", "touch in", "mv other in"}) {
    Process process = shell(damage);
    process.inputs = tree({file("in", large_), file("other", other)});
    auto result = run(process);
    ASSERT_TRUE(result.ok() && result->result.exit_code == 0) << damage;
    EXPECT_TRUE(*store_->blobs().get(file_digest_of(large_)) == large_) << damage;
    EXPECT_TRUE(*store_->blobs().get(file_digest_of(other)) == other) << damage;
    Process reads = shell("cat in");
    reads.inputs = process.inputs;
    EXPECT_TRUE(output_of(reads) == large_) << damage;
  }
  EXPECT_THAT(log_.lines(), testing::IsEmpty());
}

TEST_F(OwnInputs, HaveTimesThatFollowFromTheirContent) {
  const auto time = [](const std::string& content) {
    return std::to_string(store::file_time(file_digest_of(content)));
  };
  const std::string fixed = std::to_string(store::kFixedTime);
  Process process = shell("stat -c '%n %Y' dir dir/* .");
  process.inputs = tree({file("dir/a", "a"), file("dir/b", "b"), file("dir/large", large_),
                         symlink("dir/link", "a"), directory("dir/sub")});
  EXPECT_EQ(output_of(process), "dir " + fixed + "\ndir/a " + time("a") + "\ndir/b " + time("b") +
                                    "\ndir/large " + time(large_) + "\ndir/link " + fixed +
                                    "\ndir/sub " + fixed + "\n. " + fixed + "\n");
}

TEST_F(OwnInputs, OfOtherContentHaveOtherTimesThatEveryArchiveHolds) {
  std::set<int64_t> times;
  for (int i = 0; i < 1000; ++i) {
    const int64_t time = store::file_time(file_digest_of("content " + std::to_string(i)));
    EXPECT_EQ(time % 2, 0) << "zip counts steps of two seconds";
    EXPECT_GE(time, 315619200) << "zip begins in 1980";
    EXPECT_LT(time, 1546300800);
    times.insert(time);
  }
  EXPECT_EQ(times.size(), 1000u);
  // The same on every machine and in every version: what tools remember stays true.
  EXPECT_EQ(store::file_time(file_digest_of("")), 1113249704);
}

TEST_F(OwnInputs, ALargeOutputBecomesALargeInput) {
  Process process = shell("head -c 300000 /dev/zero > out; chmod +x out");
  process.output_files = paths({"out"});
  auto made = run(process);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  Process next = shell("sha256sum < out; test -x out");
  next.inputs = *store_->trees().load(made->result.output_digest);
  EXPECT_EQ(output_of(next), to_hex(file_digest_of(std::string(300'000, '\0')).hash) + "  -\n");
}

TEST_F(OwnInputs, AnOutputThatIsALinkToAFileOfTheHostLeavesThatFileAlone) {
  const std::string host = scratch_ + "/host";
  Process process = shell("head -c 100000 /dev/zero > " + host + "; ln " + host + " out");
  process.output_files = paths({"out"});
  auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  struct stat st;
  ASSERT_EQ(::stat(host.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0644u);
  // Writing to the host's file later does not write to the store.
  EXPECT_EQ(output_of(shell("echo damage >> " + host)), "");
  EXPECT_TRUE(*store_->blobs().get(file_digest_of(std::string(100'000, '\0'))) ==
              std::string(100'000, '\0'));
}

TEST_F(OwnInputs, AFillingSandboxStopsWhenItsProcessIsCancelled) {
  // A tree of 2^17 files, small as a graph.
  store::TreePtr inputs = tree({file("f", "x")});
  for (int i = 0; i < 17; ++i) {
    inputs = store::Tree::make({store::Entry{"a", inputs}, store::Entry{"b", inputs}});
  }
  Process process = shell("true");
  process.inputs = inputs;
  runner();
  std::stop_source stop;
  std::thread canceller([&] {
    // The first file is there: it is being filled.
    EXPECT_TRUE(test::eventually([&] {
      for (const auto& entry : std::filesystem::directory_iterator(sandboxes_)) {
        if (std::filesystem::exists(entry.path() / "a")) return true;
      }
      return false;
    }));
    stop.request_stop();
  });
  const auto result = run(process, {.stop = stop.get_token()});
  canceller.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(counters_["process.ran"].value(), 0);
}

}  // namespace
}  // namespace kiln::exec
