#include "daemon/store/rocks_stat_cache.h"

#include "daemon/store/record.h"

namespace kiln::store {

namespace {
constexpr size_t kGather = 1024;
}  // namespace

RocksStatCache::~RocksStatCache() {
  state_.with([&](State& state) { write(*state.gathering); });
}

std::optional<FileDigest> RocksStatCache::get(std::string_view absolute_path,
                                              const FileStat& stat) {
  const std::string path(absolute_path);
  std::optional<Known> known = state_.with([&](const State& state) -> std::optional<Known> {
    for (const Gathered* gathered :
         {static_cast<const Gathered*>(state.gathering.get()), state.writing.get()}) {
      if (gathered == nullptr) continue;
      if (const auto it = gathered->find(path); it != gathered->end()) return it->second;
    }
    return std::nullopt;
  });
  if (!known) known = read(absolute_path);
  if (!known || known->stat != stat) return std::nullopt;
  return known->digest;
}

std::optional<RocksStatCache::Known> RocksStatCache::read(std::string_view path) {
  rocksdb::PinnableSlice value;
  const auto lookup = db_.get(Table::kStats, path, value);
  if (!lookup.ok() || *lookup != Lookup::kFound) return std::nullopt;
  auto record = RecordReader::open(path, {value.data(), value.size()});
  if (!record) return std::nullopt;
  Known known;
  known.stat.device = record->number<uint64_t>();
  known.stat.inode = record->number<uint64_t>();
  known.stat.size = record->number<int64_t>();
  known.stat.mtime_ns = record->number<int64_t>();
  known.stat.ctime_ns = record->number<int64_t>();
  known.digest = record->digest<FileDigest>();
  if (!record->complete()) return std::nullopt;
  return known;
}

void RocksStatCache::put(std::string_view absolute_path, const FileStat& stat,
                         const FileDigest& digest) {
  const auto full = state_.with([&](State& state) -> std::shared_ptr<const Gathered> {
    (*state.gathering)[std::string(absolute_path)] = {stat, digest};
    if (state.gathering->size() < kGather || state.writing != nullptr) return nullptr;
    state.writing = std::exchange(state.gathering, std::make_shared<Gathered>());
    return state.writing;
  });
  if (full == nullptr) return;
  write(*full);
  state_.with([](State& state) { state.writing = nullptr; });
}

void RocksStatCache::write(const Gathered& gathered) {
  if (gathered.empty()) return;
  rocksdb::WriteBatch batch;
  for (const auto& [path, known] : gathered) {
    RecordWriter record;
    record.number(known.stat.device);
    record.number(known.stat.inode);
    record.number(known.stat.size);
    record.number(known.stat.mtime_ns);
    record.number(known.stat.ctime_ns);
    record.digest(known.digest);
    db_.put(batch, Table::kStats, path, record.finish(path));
  }
  const auto written = db_.write(batch);
  if (!written.ok()) log_.warn("files will be read again: " + written.error().message());
}

}  // namespace kiln::store
