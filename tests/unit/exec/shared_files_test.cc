// Large inputs share a file with the durable store: what a process may do to it.

#include <sys/stat.h>

#include "common/types/hash.h"
#include "daemon/store/rocks_store.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

class SharedFiles : public ExecTest {
 protected:
  SharedFiles() {
    auto opened = store::open_rocks_store({.path = scratch_ + "/store"}, log_);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    store_ = *std::move(opened);
  }
  ~SharedFiles() override {
    runner_.reset();
    store_.reset();
  }
  const std::string large_ = std::string(200'000, 'L');
};

TEST_F(SharedFiles, ALargeInputIsALinkAndReadOnly) {
  Process process = shell("stat -c '%A %h' plain tool");
  process.inputs = tree({file("plain", large_), file("tool", large_ + "x", true)});
  EXPECT_EQ(output_of(process), "-r--r--r-- 2\n-r-xr-xr-x 2\n");
}

TEST_F(SharedFiles, ALargeOutputBecomesALargeInput) {
  Process process = shell("head -c 300000 /dev/zero > out; chmod +x out");
  process.output_files = paths({"out"});
  auto made = run(process);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  Process next = shell("sha256sum < out; test -x out");
  next.inputs = *store_->trees().load(made->result.output_digest);
  EXPECT_EQ(output_of(next), to_hex(file_digest_of(std::string(300'000, '\0')).hash) + "  -\n");
}

TEST_F(SharedFiles, WritingThroughALinkNeverMakesWrongBytes) {
  for (const char* damage : {"chmod 644 in; echo damage | dd of=in conv=notrunc 2>/dev/null",
                             "chmod 644 in; echo damage >> in", "chmod 644 in; : > in"}) {
    Process process = shell(damage);
    process.inputs = tree({file("in", large_)});
    ASSERT_TRUE(run(process).ok());
    // Right, or not there; never something else.
    const FileDigest digest = file_digest_of(large_);
    const auto content = store_->blobs().get(digest);
    if (content.ok()) {
      EXPECT_TRUE(*content == large_) << damage;
    } else {
      EXPECT_EQ(content.error().code(), ErrorCode::kNotFound) << damage;
    }
    Process reads = shell("sha256sum < in");
    reads.inputs = process.inputs;
    auto seen = run(reads);
    if (seen.ok()) {
      EXPECT_EQ(blob(seen->result.stdout_digest), to_hex(digest.hash) + "  -\n") << damage;
    } else {
      EXPECT_EQ(seen.error().code(), ErrorCode::kNotFound) << damage;
    }
    // Whatever became of it, it can be had again.
    process = shell("cat in");
    process.inputs = tree({file("in", large_)});
    EXPECT_TRUE(output_of(process) == large_) << damage;
  }
}

TEST_F(SharedFiles, AnUnlinkedOrReplacedInputLeavesTheStoreAlone) {
  Process process = shell("rm in; echo mine > in; cat in");
  process.inputs = tree({file("in", large_)});
  EXPECT_EQ(output_of(process), "mine\n");
  EXPECT_TRUE(*store_->blobs().get(file_digest_of(large_)) == large_);
}

TEST_F(SharedFiles, AnOutputThatIsALinkToAFileOfTheHostLeavesThatFileAlone) {
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

}  // namespace
}  // namespace kiln::exec
