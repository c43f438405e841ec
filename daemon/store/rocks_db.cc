#include "daemon/store/rocks_db.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/unique_fd.h"

namespace kiln::store {

namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

bool is_full_disk(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return true;
  // Quotas and size limits arrive as plain I/O errors with the system's words.
  const std::string text = status.ToString();
  return text.find("File too large") != std::string::npos ||
         text.find("Disk quota exceeded") != std::string::npos;
}

// Damage, or a file of the database that somebody removed while it was in use.
bool is_damage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound();
}

void note_damage(const std::string& repair_note) {
  const UniqueFd note(::open(repair_note.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

// Makes every full disk one that Resume() can get over, and leaves it to RocksDb::write() to call
// it: by itself RocksDB takes a quota for fatal, and looks for space once in five seconds.
// Notes down where damage stopped it, for the next open.
class ErrorPolicy final : public rocksdb::EventListener {
 public:
  explicit ErrorPolicy(std::string repair_note) : repair_note_(std::move(repair_note)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (is_full_disk(*status)) {
      *status = rocksdb::Status(rocksdb::Status::NoSpace(status->getState()),
                                rocksdb::Status::kHardError);
    } else if (is_damage(*status)) {
      note_damage(repair_note_);
    }
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::string repair_note_;
};

}  // namespace

Result<std::unique_ptr<RocksDb>> RocksDb::open(const std::string& path, uint64_t block_cache_bytes,
                                               Log& log) {
  rocksdb::Options options = rocks_database_options();
  const std::string repair_note = path + ".repair";
  options.listeners.push_back(std::make_shared<ErrorPolicy>(repair_note));
  const auto table_options = rocks_table_options(rocksdb::NewLRUCache(block_cache_bytes));
  std::vector<rocksdb::ColumnFamilyDescriptor> tables;
  for (const char* name : kTableNames) tables.emplace_back(name, table_options);

  std::unique_ptr<RocksDb> db(new RocksDb(path, log));
  const bool noted = ::access(repair_note.c_str(), F_OK) == 0;
  rocksdb::Status status = noted ? rocksdb::Status::Corruption("found while it was in use")
                                 : db->try_open(options, tables);
  if (status.IsCorruption()) {
    log.warn("the database " + path + " is damaged (" + status.ToString() +
             "); dropping what cannot be read");
    status = rocksdb::RepairDB(path, options, tables);
    if (status.ok()) status = db->try_open(options, tables);
    if (status.IsCorruption()) {
      // Nothing in it that cannot be made again: begin anew rather than ask somebody to.
      const std::string aside = path + ".damaged";
      log.warn("it cannot be repaired (" + status.ToString() + "); moved it to " + aside);
      std::error_code error;
      std::filesystem::remove_all(aside, error);
      std::filesystem::rename(path, aside, error);
      if (!error) status = db->try_open(options, tables);
    }
    if (status.ok()) ::unlink(repair_note.c_str());
  }
  if (status.ok()) return db;
  if (is_full_disk(status) || status.IsIOError()) return db->error_of(status, "open");
  return environment_error(ErrorCode::kDataLoss,
                           "cannot open the database " + path + ": " + status.ToString() +
                               ". It holds nothing that cannot be made again: move " + path +
                               " away to start with an empty one.");
}

rocksdb::Status RocksDb::try_open(const rocksdb::Options& options,
                                  const std::vector<rocksdb::ColumnFamilyDescriptor>& tables) {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, path_, tables, &handles_, &db);
  db_.reset(db);
  return status;
}

RocksDb::~RocksDb() {
  if (db_ == nullptr) return;
  rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), handles_);
  if (!status.ok()) {
    // The log still holds it; the next open replays it.
    log_.warn("cannot flush the database " + path_ + ": " + status.ToString());
  }
  for (rocksdb::ColumnFamilyHandle* table : handles_) db_->DestroyColumnFamilyHandle(table);
  status = db_->Close();
  if (!status.ok()) log_.warn("cannot close the database " + path_ + ": " + status.ToString());
}

Error RocksDb::error_of(const rocksdb::Status& status, std::string_view what) const {
  const std::string message =
      "cannot " + std::string(what) + " the database " + path_ + ": " + status.ToString();
  if (is_full_disk(status)) {
    return environment_error(ErrorCode::kResourceExhausted,
                             message + ". The disk is full: free some space and try again.");
  }
  if (status.IsCorruption()) {
    return environment_error(ErrorCode::kDataLoss,
                             message +
                                 ". Restarting the daemon repairs it; it holds nothing that "
                                 "cannot be made again.");
  }
  return environment_error(ErrorCode::kUnavailable, message);
}

Result<Lookup> RocksDb::lookup(const rocksdb::Status& status, Table table) const {
  if (status.ok()) return Lookup::kFound;
  if (status.IsNotFound()) return Lookup::kAbsent;
  if (is_damage(status)) {
    // Without one of its files the database would fail at its next compaction: the next open
    // repairs it as a whole.
    if (status.IsPathNotFound()) note_damage(path_ + ".repair");
    log_.warn(std::string("a record in ") + kTableNames[static_cast<size_t>(table)] + " of " +
              path_ + " is damaged: " + status.ToString());
    return Lookup::kDamaged;
  }
  return error_of(status, "read");
}

Result<Lookup> RocksDb::get(Table table, std::string_view key, rocksdb::PinnableSlice& value) {
  return lookup(db_->Get(rocksdb::ReadOptions(), handle(table), slice(key), &value), table);
}

Result<std::vector<Lookup>> RocksDb::get_all(Table table, const std::vector<rocksdb::Slice>& keys,
                                             std::vector<rocksdb::PinnableSlice>& values) {
  values = std::vector<rocksdb::PinnableSlice>(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), handle(table), keys.size(), keys.data(), values.data(),
                statuses.data());
  std::vector<Lookup> lookups;
  lookups.reserve(keys.size());
  for (const rocksdb::Status& status : statuses) {
    KILN_ASSIGN(const Lookup one, lookup(status, table));
    lookups.push_back(one);
  }
  return lookups;
}

void RocksDb::put(rocksdb::WriteBatch& batch, Table table, std::string_view key,
                  std::string_view value) {
  batch.Put(handle(table), slice(key), slice(value));
}

void RocksDb::remove(rocksdb::WriteBatch& batch, Table table, std::string_view key) {
  batch.Delete(handle(table), slice(key));
}

Result<void> RocksDb::write(rocksdb::WriteBatch& batch) {
  KILN_TRY(reserve_.take(batch.GetDataSize()));
  rocksdb::Status status = db_->Write(rocksdb::WriteOptions(), &batch);
  if (status.IsIOError() && db_->Resume().ok()) {
    // An earlier failure, a full disk say, stops all writes until somebody tries again.
    status = db_->Write(rocksdb::WriteOptions(), &batch);
  }
  if (!status.ok()) return error_of(status, "write to");
  return {};
}

}  // namespace kiln::store
