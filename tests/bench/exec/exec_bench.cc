// P6: what a big daemon pays to start a process. P4, inner part: what a sandbox adds to a process.
// Each benchmark alternates between what is measured and its floor, and reports the ratio.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/check.h"
#include "common/base/file.h"
#include "daemon/async/sync_wait.h"
#include "daemon/exec/runners.h"
#include "daemon/os/spawn.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/tree_ops.h"

namespace kiln::exec {
namespace {

using std::chrono::steady_clock;

double microseconds_of(const std::function<void()>& work) {
  const auto begin = steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  KILN_CHECK(!values.empty(), "nothing was measured");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void spawn_true() {
  const os::SpawnRequest request{.executable = "/bin/true", .argv = {"true"}, .env = {}};
  const auto child = os::spawn(request);
  KILN_CHECK(child.ok() && os::reap(*child).ok(), "cannot spawn");
}

void fork_true() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  ::waitpid(pid, nullptr, 0);
}

// posix_spawn in `directory`, and wait: the least a command costs.
void posix_spawn_in(const char* directory, const char* const* argv) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, directory);
  pid_t pid = -1;
  char* env[] = {nullptr};
  ::posix_spawn(&pid, argv[0], &actions, nullptr, const_cast<char* const*>(argv), env);
  ::waitpid(pid, nullptr, 0);
  ::posix_spawn_file_actions_destroy(&actions);
}

class Resident {
 public:
  explicit Resident(size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    memory_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    KILN_CHECK(memory_ != MAP_FAILED, "no memory");
    ::madvise(memory_, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096) static_cast<char*>(memory_)[at] = 1;
  }
  ~Resident() {
    if (bytes_ > 0) ::munmap(memory_, bytes_);
  }

 private:
  const size_t bytes_;
  void* memory_ = nullptr;
};

void SpawnFromABigProcess(benchmark::State& state) {
  std::vector<double> empty;
  for (int i = 0; i < 200; ++i) empty.push_back(microseconds_of(spawn_true));
  const Resident memory(size_t{4} << 30);
  std::vector<double> forked;
  for (int i = 0; i < 3; ++i) forked.push_back(microseconds_of(fork_true));
  std::vector<double> big;
  for ([[maybe_unused]] auto _ : state) big.push_back(microseconds_of(spawn_true));
  state.counters["empty_us"] = median(empty);
  state.counters["4GiB_us"] = median(big);
  state.counters["fork_4GiB_us"] = median(forked);
  state.counters["ratio"] = median(big) / median(empty);
}
BENCHMARK(SpawnFromABigProcess)->Iterations(200)->Unit(benchmark::kMicrosecond);

class StderrLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  }
};

class Bench {
 public:
  explicit Bench(size_t threads) : pool_("bench", 1) {
    std::string path = (std::filesystem::temp_directory_path() / "exec-bench-XXXXXX").string();
    KILN_CHECK(::mkdtemp(path.data()) != nullptr, "cannot make a directory");
    directory_ = path;
    std::filesystem::create_directory(directory_ + "/bare");
    auto store = store::open_rocks_store({.path = directory_ + "/store"}, log_);
    KILN_CHECK(store.ok(), store.error().to_string());
    store_ = *std::move(store);
    SandboxOptions options;
    options.directory = directory_ + "/sandboxes";
    options.threads = threads;
    auto runner = make_sandbox_runner(options, *store_, pool_, counters_, log_);
    KILN_CHECK(runner.ok(), runner.error().to_string());
    runner_ = *std::move(runner);
    process_.argv = {"/bin/cp", "in", "out"};
    process_.inputs = *store::tree_of(
        {{*RelPath::parse("in"), store::File{*store_->blobs().put("small\n"), false}}});
    process_.output_files = {*RelPath::parse("out")};
    const UniqueFd in = *open_file(directory_ + "/bare/in", O_WRONLY | O_CREAT, 0644);
    KILN_CHECK(write_all(in.get(), "small\n", "in").ok(), "cannot write");
  }
  ~Bench() {
    runner_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void run_sandboxed() {
    const HostTool tool{.path = process_.argv[0], .components = {}};
    const Action action = make_action(process_, tool, "");
    const RunRequest request{.process = process_,
                             .tool = tool,
                             .action = action,
                             .run = RunId{1},
                             .keep = KeepSandboxes::kNever,
                             .observer = nullptr,
                             .stop = {}};
    const auto result = sync_wait(pool_, runner_->run(request));
    KILN_CHECK(result.ok() && result->result.exit_code == 0, "the process failed");
  }
  // Each makes a file of its own, as ninja's commands would.
  void run_bare() {
    const std::string out = "out" + std::to_string(next_.fetch_add(1));
    const char* const argv[] = {"/bin/cp", "in", out.c_str(), nullptr};
    posix_spawn_in((directory_ + "/bare").c_str(), argv);
  }

 private:
  StderrLog log_;
  Counters counters_;
  ThreadPool pool_;
  std::string directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ProcessRunner> runner_;
  Process process_;
  std::atomic<int> next_ = 0;
};

// `range` at once, in batches: one batch bare, one sandboxed.
void SandboxAroundCp(benchmark::State& state) {
  const auto at_once = static_cast<size_t>(state.range(0));
  constexpr int kBatch = 50;
  Bench bench(at_once);
  const auto batch = [&](void (Bench::*run)()) {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < at_once; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kBatch; ++i) (bench.*run)();
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  const double processes = kBatch * static_cast<double>(at_once);
  std::vector<double> bare;
  std::vector<double> sandboxed;
  for ([[maybe_unused]] auto _ : state) {
    bare.push_back(microseconds_of([&] { batch(&Bench::run_bare); }) / processes);
    sandboxed.push_back(microseconds_of([&] { batch(&Bench::run_sandboxed); }) / processes);
  }
  state.counters["bare_us"] = median(bare);
  state.counters["sandboxed_us"] = median(sandboxed);
  state.counters["added_us"] = median(sandboxed) - median(bare);
  state.counters["ratio"] = median(sandboxed) / median(bare);
}
BENCHMARK(SandboxAroundCp)->Arg(1)->Arg(2)->Iterations(20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kiln::exec
