#include "daemon/store/rocks_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "common/base/file.h"
#include "daemon/store/rocks_action_cache.h"
#include "daemon/store/rocks_blob_store.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/rocks_stat_cache.h"
#include "daemon/store/rocks_tree_store.h"

namespace kiln::store {

namespace {

constexpr int kFormat = 1;  // format.md

class RocksStore final : public Store {
 public:
  RocksStore(std::unique_ptr<RocksDb> db, std::unique_ptr<LargeFiles> large, Log& log)
      : db_(std::move(db)),
        large_(std::move(large)),
        blobs_(*db_, *large_, log),
        trees_(*db_, log),
        actions_(*db_),
        stats_(*db_, log) {}

  BlobStore& blobs() override { return blobs_; }
  BlobFiles& files() override { return blobs_; }
  TreeStore& trees() override { return trees_; }
  ActionCache& actions() override { return actions_; }
  StatCache& stats() override { return stats_; }

 private:
  const std::unique_ptr<RocksDb> db_;
  const std::unique_ptr<LargeFiles> large_;
  RocksBlobStore blobs_;
  RocksTreeStore trees_;
  RocksActionCache actions_;
  RocksStatCache stats_;
};

// Writes FORMAT beside and renames, so that it is whole or not there.
Result<void> write_format(const std::string& path) {
  const std::string beside = path + ".new";
  KILN_ASSIGN(const UniqueFd fd, open_file(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  KILN_TRY(write_all(fd.get(), std::to_string(kFormat) + "\n", beside));
  if (::fsync(fd.get()) != 0) return os_error(errno, "write " + beside);
  if (::rename(beside.c_str(), path.c_str()) != 0) return os_error(errno, "make " + path);
  return {};
}

// The version is a file of its own, so that it can be read before anything of that version is.
Result<void> check_format(const std::string& dir) {
  const std::string path = dir + "/FORMAT";
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return write_format(path);
  KILN_ASSIGN(const std::string text, read_file(path));
  int format = 0;
  std::from_chars(text.data(), text.data() + text.size(), format);
  if (format == kFormat) return {};
  const std::string start_over = "move " + dir + " away to start with an empty store";
  if (format > kFormat) {
    return environment_error(ErrorCode::kFailedPrecondition,
                             "the store " + dir + " was written by a newer kiln (format " +
                                 std::to_string(format) + ", this one knows " +
                                 std::to_string(kFormat) + "): use that one, or " + start_over);
  }
  return environment_error(ErrorCode::kDataLoss, path + " is damaged: " + start_over);
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_store(const RocksOptions& options, Log& log) {
  if (::mkdir(options.path.c_str(), 0700) != 0 && errno != EEXIST) {
    return os_error(errno, "make the store " + options.path);
  }
  if (::access(options.path.c_str(), W_OK | X_OK) != 0) {
    return os_error(errno, "write to the store " + options.path);
  }
  KILN_TRY(check_format(options.path));
  KILN_ASSIGN(auto large, LargeFiles::open(options.path, log));
  KILN_ASSIGN(auto db, RocksDb::open(options.path + "/db", options.block_cache_bytes, log));
  return std::make_unique<RocksStore>(std::move(db), std::move(large), log);
}

}  // namespace kiln::store
