// Blobs: small content as records of the database, large content as files beside it.
// Threads: thread-safe. Blocking.
#pragma once

#include <rocksdb/slice.h>

#include "common/base/log.h"
#include "daemon/store/digest_set.h"
#include "daemon/store/large_files.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/stores.h"

namespace kiln::store {

class RocksBlobStore final : public BlobStore, public BlobFiles {
 public:
  RocksBlobStore(RocksDb& db, LargeFiles& large, Log& log) : db_(db), large_(large), log_(log) {}

  Result<FileDigest> put(std::string_view content) override;
  Result<std::unique_ptr<BlobWriter>> writer() override;
  Result<std::string> get(const FileDigest& digest) override;
  Result<std::unique_ptr<BlobReader>> reader(const FileDigest& digest) override;
  Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest> digests) override;

  Result<void> materialize(const FileDigest& digest, bool executable, int dir_fd, const char* name,
                           const std::stop_token& stop) override;
  Result<void> copy_into(const FileDigest& digest, int target_fd, const char* name,
                         const std::stop_token& stop) override;
  Result<FileDigest> adopt(int dir_fd, const char* name, const std::stop_token& stop) override;

 private:
  // Verified small content.
  Result<void> get_small(const FileDigest& digest, rocksdb::PinnableSlice& content);
  Result<void> put_small(std::string_view content, const FileDigest& digest);
  Result<bool> has_small(const FileDigest& digest);
  Result<void> drop_small(const FileDigest& digest);

  RocksDb& db_;
  LargeFiles& large_;
  Log& log_;
  DigestSet verified_{size_t{1} << 19};
};

}  // namespace kiln::store
