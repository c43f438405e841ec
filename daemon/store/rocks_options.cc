#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "daemon/store/rocks_db.h"

namespace kiln::store {

rocksdb::Options rocks_database_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // Opening after a kill replays the log, up to 6 ms for each MiB of small records: bound it.
  options.max_total_wal_size = uint64_t{8} << 20;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_flush_during_recovery = true;
  // Tables are opened when they are first read, so that opening does not grow with the store.
  options.max_open_files = 512;
  options.skip_stats_update_on_db_open = true;
  // The default starts 16 threads for each column family at open, to open its few tables.
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  // RocksDB's own log is for its developers; keep little of it.
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = size_t{1} << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions rocks_table_options(std::shared_ptr<rocksdb::Cache> block_cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(block_cache);
  table.checksum = rocksdb::kXXH3;  // Debian's RocksDB has no hardware CRC32C: 5 times slower
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = size_t{4} << 20;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  return options;
}

}  // namespace kiln::store
