// The database of the store: RocksDB opened with the store's options, its errors in kiln's words.
//
// Threads: thread-safe. Blocking.
// Fails:   kResourceExhausted on a full disk (the next write tries again by itself),
//          kUnavailable for other I/O. A damaged record is a Lookup, not an error.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "daemon/store/disk_reserve.h"
#include "daemon/store/rocks_store.h"

namespace kiln::store {

// Column families; their names and records are specified in format.md.
enum class Table : size_t { kDefault, kBlobs, kSizes, kTrees, kActions, kStats };
inline constexpr std::array<const char*, 6> kTableNames = {"default", "blobs",   "sizes",
                                                           "trees",   "actions", "stats"};

enum class Lookup { kFound, kAbsent, kDamaged };

// The options of everything in the database; also what benchmarks give to a bare RocksDB.
rocksdb::Options rocks_database_options();
rocksdb::ColumnFamilyOptions rocks_table_options(std::shared_ptr<rocksdb::Cache> block_cache);

class RocksDb {
 public:
  // Opens, or makes, the database in the directory `path`. Damage beyond RocksDB's own recovery is
  // repaired by dropping what cannot be read, or, that failing, by moving the database to
  // `path`.damaged and making an empty one. The log says so.
  static Result<std::unique_ptr<RocksDb>> open(const std::string& path, uint64_t block_cache_bytes,
                                               Log& log);
  ~RocksDb();

  Result<Lookup> get(Table table, std::string_view key, rocksdb::PinnableSlice& value);
  // Which of `keys` are there, in their order, with their values.
  Result<std::vector<Lookup>> get_all(Table table, const std::vector<rocksdb::Slice>& keys,
                                      std::vector<rocksdb::PinnableSlice>& values);
  void put(rocksdb::WriteBatch& batch, Table table, std::string_view key, std::string_view value);
  void remove(rocksdb::WriteBatch& batch, Table table, std::string_view key);
  // All of the batch or nothing; survives a kill of the process, and a power loss unless it is
  // among the last writes before it.
  Result<void> write(rocksdb::WriteBatch& batch);

 private:
  RocksDb(std::string path, Log& log) : path_(std::move(path)), log_(log), reserve_(path_) {}
  rocksdb::Status try_open(const rocksdb::Options& options,
                           const std::vector<rocksdb::ColumnFamilyDescriptor>& tables);
  rocksdb::ColumnFamilyHandle* handle(Table table) const {
    return handles_[static_cast<size_t>(table)];
  }
  Result<Lookup> lookup(const rocksdb::Status& status, Table table) const;
  Error error_of(const rocksdb::Status& status, std::string_view what) const;

  const std::string path_;
  Log& log_;
  DiskReserve reserve_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace kiln::store
