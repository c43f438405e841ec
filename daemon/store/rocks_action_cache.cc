#include "daemon/store/rocks_action_cache.h"

#include "daemon/store/record.h"

namespace kiln::store {

namespace {

// Hash and size: the record under it must be that action's, whoever asks.
std::string key_of(const Digest& action) {
  std::string key(reinterpret_cast<const char*>(action.hash.data()), action.hash.size());
  key.append(reinterpret_cast<const char*>(&action.size), sizeof action.size);
  return key;
}

std::string encode(const ActionResult& result, std::string_view key) {
  RecordWriter record;
  record.number<int32_t>(result.exit_code);
  record.digest(result.stdout_digest);
  record.digest(result.stderr_digest);
  record.digest(result.output_digest);
  record.number(result.wall_seconds);
  record.number(result.user_seconds);
  record.number(result.system_seconds);
  record.number(result.peak_memory_bytes);
  record.number(static_cast<uint32_t>(result.missing_outputs.size()));
  for (const std::string& path : result.missing_outputs) record.text(path);
  return record.finish(key);
}

std::optional<ActionResult> decode(std::string_view key, std::string_view bytes) {
  auto record = RecordReader::open(key, bytes);
  if (!record) return std::nullopt;
  ActionResult result;
  result.exit_code = record->number<int32_t>();
  result.stdout_digest = record->digest<FileDigest>();
  result.stderr_digest = record->digest<FileDigest>();
  result.output_digest = record->digest<Digest>();
  result.wall_seconds = record->number<double>();
  result.user_seconds = record->number<double>();
  result.system_seconds = record->number<double>();
  result.peak_memory_bytes = record->number<int64_t>();
  const auto missing = record->number<uint32_t>();
  for (uint32_t i = 0; i < missing && !record->complete(); ++i) {
    result.missing_outputs.push_back(record->text());
  }
  if (!record->complete() || result.missing_outputs.size() != missing) return std::nullopt;
  return result;
}

}  // namespace

Result<std::optional<ActionResult>> RocksActionCache::get(const Digest& action) {
  const std::string key = key_of(action);
  rocksdb::PinnableSlice record;
  KILN_ASSIGN(const Lookup lookup, db_.get(Table::kActions, key, record));
  if (lookup != Lookup::kFound) return std::optional<ActionResult>();
  return decode(key, {record.data(), record.size()});
}

Result<void> RocksActionCache::put(const Digest& action, const ActionResult& result) {
  const std::string key = key_of(action);
  rocksdb::WriteBatch batch;
  db_.put(batch, Table::kActions, key, encode(result, key));
  return db_.write(batch);
}

Result<void> RocksActionCache::remove(const Digest& action) {
  rocksdb::WriteBatch batch;
  db_.remove(batch, Table::kActions, key_of(action));
  return db_.write(batch);
}

}  // namespace kiln::store
