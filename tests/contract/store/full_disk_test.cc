// A full disk is an error that says so; the store answers on, and takes content again when there
// is space.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <functional>

#include "tests/contract/store/stores_under_test.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

using testing::HasSubstr;

// Files may not grow beyond `bytes` while this lives: what a user without privileges can do to a
// disk. It goes by EFBIG, and may strike a quota's way everywhere, deletions apart.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const struct rlimit limit = {bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  struct rlimit old_;
  sighandler_t old_handler_;
};

class FullDisk : public testing::Test {
 protected:
  void expect_full(const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted) << error.to_string();
    EXPECT_EQ(error.blame(), Blame::kEnvironment);
    EXPECT_THAT(error.message(), HasSubstr(dir_.path()));
  }

  // Puts until it fails; then makes space and expects everything to work again.
  void fill_and_recover(Store& store, size_t blob_size, const std::function<void()>& make_space) {
    std::vector<FileDigest> put;
    for (uint64_t i = 0; i < 20'000; ++i) {
      auto digest = store.blobs().put(content_of(blob_size, i));
      if (!digest.ok()) {
        expect_full(digest.error());
        break;
      }
      put.push_back(*digest);
      ASSERT_LT(i, 19'999u) << "the disk never filled";
    }
    ASSERT_FALSE(put.empty());
    for (uint64_t i = 0; i < put.size(); i += 7) {
      auto got = store.blobs().get(put[i]);
      ASSERT_TRUE(got.ok()) << got.error().to_string();
      ASSERT_EQ(*got, content_of(blob_size, i));
    }
    make_space();
    const std::string after = content_of(blob_size, 1'000'000);
    auto digest = store.blobs().put(after);
    ASSERT_TRUE(digest.ok()) << digest.error().to_string();
    EXPECT_EQ(*store.blobs().get(*digest), after);
    const TreePtr root = tree({file("a/b", "x")});
    EXPECT_TRUE(store.trees().save(root).ok());
    EXPECT_TRUE(store.actions().put(root->digest(), {}).ok());
  }

  TempDir dir_;
  RecordingLog log_;
};

TEST_F(FullDisk, SmallContent) {
  auto store = open_rocks(dir_.path() + "/store", log_);
  auto limit = std::make_unique<SmallFiles>(rlim_t{1} << 20);
  fill_and_recover(*store, 4000, [&] { limit.reset(); });
}

TEST_F(FullDisk, LargeContent) {
  auto store = open_rocks(dir_.path() + "/store", log_);
  const std::string content = content_of(2 << 20);
  {
    const SmallFiles limit(rlim_t{1} << 20);
    expect_full(store->blobs().put(content).error());
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() + "/store/tmp"));
  }
  EXPECT_EQ(*store->blobs().get(*store->blobs().put(content)), content);
}

// A real file system that is really full, where we may mount one.
TEST_F(FullDisk, ATmpfsThatIsFull) {
  const std::string mount_point = dir_.path() + "/small";
  ASSERT_EQ(::mkdir(mount_point.c_str(), 0755), 0);
  if (::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=48m") != 0) {
    ASSERT_NE(::geteuid(), 0u) << "root may mount: " << errno;
    return;  // the two tests above are what a user can have
  }
  for (const size_t size : {size_t{4000}, size_t{200'000}}) {
    const std::string path = mount_point + "/store";
    const std::string ballast = mount_point + "/ballast";
    {
      const UniqueFd fd = open_file(ballast, O_WRONLY | O_CREAT, 0600).value();
      ASSERT_EQ(::posix_fallocate(fd.get(), 0, 24 << 20), 0);
    }
    auto store = open_rocks(path, log_);
    if (store != nullptr) {
      fill_and_recover(*store, size, [&] { ::unlink(ballast.c_str()); });
    }
    store.reset();
    std::filesystem::remove_all(path);
  }
  ::umount2(mount_point.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace kiln::store
