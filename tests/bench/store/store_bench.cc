// P10: the store beside a bare RocksDB with the same options, in the same run.
//
// KILN_BENCH_BLOBS sets how many blobs the populated store has (default 50,000; the figures of
// goals.md are for 1,000,000).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <rocksdb/cache.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/rocks_store.h"

namespace kiln::store {
namespace {

constexpr size_t kBlob = 4096;
constexpr char kWriter[] = "--write-and-wait";

class StderrLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  }
};

StderrLog& stderr_log() {
  static StderrLog log;
  return log;
}

int64_t blobs() {
  const char* text = std::getenv("KILN_BENCH_BLOBS");
  return text == nullptr ? 50'000 : std::atoll(text);
}

class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kiln-bench-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// As compressible as source code is not: half random.
std::string content_of(int64_t n, size_t size = kBlob) {
  std::string bytes(size, 'x');
  uint64_t state = static_cast<uint64_t>(n) * 0x9E3779B97F4A7C15 + 1;
  for (size_t i = 0; i + 8 <= size; i += 16) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(&bytes[i], &state, 8);
  }
  return bytes;
}

std::unique_ptr<Store> open_store(const std::string& path) {
  return std::move(open_rocks_store({.path = path}, stderr_log()).value());
}

struct Bare {
  explicit Bare(const std::string& path) {
    rocksdb::Options options(rocks_database_options(),
                             rocks_table_options(rocksdb::NewLRUCache(size_t{32} << 20)));
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options, path, &opened);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    db.reset(opened);
  }
  std::unique_ptr<rocksdb::DB> db;
};

rocksdb::Slice key_of(const FileDigest& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

// What identity costs: both sides of a put pay it, so that the ratio is that of the stores.
void BM_Put4K_BareRocksDbAndSha256(benchmark::State& state) {
  const Scratch scratch;
  const Bare bare(scratch.path());
  int64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string content = content_of(n++);
    state.ResumeTiming();
    const FileDigest digest = file_digest_of(content);
    bare.db->Put(rocksdb::WriteOptions(), key_of(digest), content);
  }
}
BENCHMARK(BM_Put4K_BareRocksDbAndSha256)->Iterations(20'000);

void BM_Put4K_Store(benchmark::State& state) {
  const Scratch scratch;
  const auto store = open_store(scratch.path());
  int64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string content = content_of(n++);
    state.ResumeTiming();
    benchmark::DoNotOptimize(store->blobs().put(content));
  }
}
BENCHMARK(BM_Put4K_Store)->Iterations(20'000);

void BM_PutAgain4K_Store(benchmark::State& state) {
  const Scratch scratch;
  const auto store = open_store(scratch.path());
  const std::string content = content_of(1);
  for (auto _ : state) benchmark::DoNotOptimize(store->blobs().put(content));
}
BENCHMARK(BM_PutAgain4K_Store);

void BM_Put100K_Store(benchmark::State& state) {
  const Scratch scratch;
  const auto store = open_store(scratch.path());
  int64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string content = content_of(n++, 100'000);
    state.ResumeTiming();
    benchmark::DoNotOptimize(store->blobs().put(content));
  }
}
BENCHMARK(BM_Put100K_Store)->Iterations(1000);

// A store, and a bare database, with blobs() blobs of 4 KiB, closed and opened again.
struct Populated {
  Populated() {
    Bare to_fill(scratch.path() + "/bare");
    auto filling = open_store(scratch.path() + "/store");
    for (int64_t n = 0; n < blobs(); ++n) {
      const std::string content = content_of(n);
      digests.push_back(*filling->blobs().put(content));
      to_fill.db->Put(rocksdb::WriteOptions(), key_of(digests.back()), content);
      missing.push_back(file_digest_of(std::to_string(n)));
    }
    to_fill.db->Flush(rocksdb::FlushOptions());
    filling.reset();
    to_fill.db.reset();
    bare = std::make_unique<Bare>(scratch.path() + "/bare");
    store = open_store(scratch.path() + "/store");
  }

  Scratch scratch;
  std::vector<FileDigest> digests;
  std::vector<FileDigest> missing;
  std::unique_ptr<Bare> bare;
  std::unique_ptr<Store> store;
};

Populated& populated() {
  static Populated it;
  return it;
}

size_t pick(size_t n, size_t of) { return n * 0x9E3779B97F4A7C15 % of; }

void BM_Get4K_BareRocksDb(benchmark::State& state) {
  Populated& p = populated();
  size_t n = 0;
  for (auto _ : state) {
    std::string value;
    p.bare->db->Get(rocksdb::ReadOptions(), key_of(p.digests[pick(n++, p.digests.size())]), &value);
    benchmark::DoNotOptimize(value);
  }
}
void BM_Get4K_Store(benchmark::State& state) {
  Populated& p = populated();
  for (const FileDigest& digest : p.digests) benchmark::DoNotOptimize(p.store->blobs().get(digest));
  size_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(p.store->blobs().get(p.digests[pick(n++, p.digests.size())]));
  }
}
void BM_GetHot4K_BareRocksDb(benchmark::State& state) {
  Populated& p = populated();
  size_t n = 0;
  for (auto _ : state) {
    std::string value;
    p.bare->db->Get(rocksdb::ReadOptions(), key_of(p.digests[n++ % 1000]), &value);
    benchmark::DoNotOptimize(value);
  }
}
void BM_GetHot4K_Store(benchmark::State& state) {
  Populated& p = populated();
  size_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(p.store->blobs().get(p.digests[n++ % 1000]));
}
BENCHMARK(BM_Get4K_BareRocksDb);
BENCHMARK(BM_Get4K_Store);
BENCHMARK(BM_GetHot4K_BareRocksDb);
BENCHMARK(BM_GetHot4K_Store);

void find_missing_bare(benchmark::State& state, const std::vector<FileDigest>& digests) {
  Populated& p = populated();
  constexpr size_t kAtOnce = 512;
  for (auto _ : state) {
    for (size_t at = 0; at < digests.size(); at += kAtOnce) {
      const size_t count = std::min(kAtOnce, digests.size() - at);
      std::vector<rocksdb::Slice> keys;
      for (size_t i = 0; i < count; ++i) keys.push_back(key_of(digests[at + i]));
      std::vector<rocksdb::PinnableSlice> values(count);
      std::vector<rocksdb::Status> statuses(count);
      p.bare->db->MultiGet(rocksdb::ReadOptions(), p.bare->db->DefaultColumnFamily(), count,
                           keys.data(), values.data(), statuses.data());
      benchmark::DoNotOptimize(statuses);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(digests.size()));
}
void find_missing_store(benchmark::State& state, const std::vector<FileDigest>& digests) {
  Populated& p = populated();
  for (auto _ : state) benchmark::DoNotOptimize(p.store->blobs().find_missing(digests));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(digests.size()));
}
void BM_FindMissing_AllMissing_BareRocksDb(benchmark::State& state) {
  find_missing_bare(state, populated().missing);
}
void BM_FindMissing_AllMissing_Store(benchmark::State& state) {
  find_missing_store(state, populated().missing);
}
void BM_FindMissing_AllThere_BareRocksDb(benchmark::State& state) {
  find_missing_bare(state, populated().digests);
}
void BM_FindMissing_AllThere_Store(benchmark::State& state) {
  find_missing_store(state, populated().digests);
}
BENCHMARK(BM_FindMissing_AllMissing_BareRocksDb)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FindMissing_AllMissing_Store)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FindMissing_AllThere_BareRocksDb)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FindMissing_AllThere_Store)->Unit(benchmark::kMillisecond);

void materialize(benchmark::State& state, size_t size, bool executable) {
  Populated& p = populated();
  const Scratch sandbox;
  const UniqueFd dir = open_file(sandbox.path(), O_RDONLY | O_DIRECTORY).value();
  const FileDigest digest = p.store->blobs().put(content_of(-1, size)).value();
  int64_t n = 0;
  for (auto _ : state) {
    const std::string name = std::to_string(n++);
    const auto made = p.store->files().materialize(digest, executable, dir.get(), name.c_str(), {});
    if (!made.ok()) state.SkipWithError(made.error().to_string().c_str());
  }
}
void BM_Materialize4K(benchmark::State& state) { materialize(state, kBlob, false); }
void BM_Materialize1M(benchmark::State& state) { materialize(state, 1 << 20, false); }
void BM_Materialize1MExecutable(benchmark::State& state) { materialize(state, 1 << 20, true); }
BENCHMARK(BM_Materialize4K)->Iterations(2000);
BENCHMARK(BM_Materialize1M)->Iterations(2000);
BENCHMARK(BM_Materialize1MExecutable)->Iterations(2000);

void BM_Open(benchmark::State& state) {
  Populated& p = populated();
  for (auto _ : state) {
    state.PauseTiming();
    p.store.reset();
    state.ResumeTiming();
    p.store = open_store(p.scratch.path() + "/store");
  }
}
BENCHMARK(BM_Open)->Unit(benchmark::kMillisecond)->Iterations(10);

// Writes what a build writes, in blobs of `size`, says so on stdout, and waits to be killed.
[[noreturn]] void write_and_wait(const std::string& path, size_t size) {
  const auto store = open_store(path);
  for (int64_t n = 0; n < 40'000; ++n) {
    const Digest action = directory_digest_of(std::to_string(n));
    if (!store->blobs().put(content_of(n, size)).ok()) ::_exit(1);
    if (!store->actions().put(action, {}).ok()) ::_exit(1);
  }
  (void)!::write(STDOUT_FILENO, "r", 1);
  for (;;) ::pause();
}

// Runs write_and_wait() in a process of its own, this binary executed anew, and kills it.
void leave_a_log(const std::string& path, size_t size) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  const std::string size_text = std::to_string(size);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/proc/self/exe", "store_bench", kWriter, path.c_str(), size_text.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  char byte;
  (void)!::read(ends[0], &byte, 1);
  ::close(ends[0]);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void BM_OpenAfterKill(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto scratch = std::make_unique<Scratch>();
    leave_a_log(scratch->path(), static_cast<size_t>(state.range(0)));
    state.ResumeTiming();
    auto store = open_store(scratch->path());
    state.PauseTiming();
    store.reset();
    scratch.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_OpenAfterKill)->Arg(4096)->Arg(400)->Unit(benchmark::kMillisecond)->Iterations(5);

void BM_StatCachePutAndGet(benchmark::State& state) {
  Populated& p = populated();
  int64_t n = 0;
  for (auto _ : state) {
    const std::string path = "/home/user/project/src/some/module/file" + std::to_string(n++);
    p.store->stats().put(path, {.size = n}, FileDigest());
    benchmark::DoNotOptimize(p.store->stats().get(path, {.size = n}));
  }
}
BENCHMARK(BM_StatCachePutAndGet)->Iterations(100'000);

}  // namespace

int bench_main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], kWriter) == 0) {
    write_and_wait(argv[2], static_cast<size_t>(std::atoll(argv[3])));
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace kiln::store

int main(int argc, char** argv) { return kiln::store::bench_main(argc, argv); }
