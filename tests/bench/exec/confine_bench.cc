// What a strict sandbox adds to /usr/bin/true, beside a bare spawn, kiln's plain spawn and
// bubblewrap, all in turns in the same run. Microseconds from start to the end, medians.

#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

#include "common/base/check.h"
#include "common/base/log.h"
#include "daemon/confine/slots.h"
#include "daemon/os/spawn.h"

namespace kiln::confine {
namespace {

constexpr const char* kTrue = "/usr/bin/true";

class StderrLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  }
};

double microseconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

double median(std::vector<double> values) {
  KILN_CHECK(!values.empty(), "nothing was measured");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void run_bare(const std::vector<const char*>& argv) {
  pid_t pid = -1;
  char* env[] = {nullptr};
  const int error =
      ::posix_spawn(&pid, argv[0], nullptr, nullptr, const_cast<char* const*>(argv.data()), env);
  KILN_CHECK(error == 0, "cannot spawn");
  int status = 0;
  ::waitpid(pid, &status, 0);
  KILN_CHECK(status == 0, "the process failed");
}

void run_plain() {
  const auto child = os::spawn({.executable = kTrue, .argv = {"true"}, .env = {}});
  KILN_CHECK(child.ok() && os::reap(*child).ok(), "cannot spawn");
}

void run_strict(Slots& slots, const View& view) {
  auto slot = slots.take(view);
  KILN_CHECK(slot.ok(), "no slot");
  const auto child = slot->start(
      {.executable = kTrue, .argv = {"true"}, .env = {}, .working_directory = "/sandbox"});
  KILN_CHECK(child.ok() && os::reap(*child).ok() &&
                 slot->settle(std::chrono::steady_clock::now() + std::chrono::seconds(1)).ok(),
             "cannot start");
}

// One thread that measures what it is given, a call at a time.
class ThreadedCall {
 public:
  ThreadedCall() : thread_([this] { serve(); }) {}
  ~ThreadedCall() {
    hand_over(nullptr);
    thread_.join();
  }
  double time(std::function<void()> work) {
    hand_over(std::move(work));
    done_.acquire();
    return microseconds_;
  }

 private:
  void hand_over(std::function<void()> work) {
    work_ = std::move(work);
    begin_.release();
  }
  void serve() {
    for (;;) {
      begin_.acquire();
      if (!work_) return;
      microseconds_ = microseconds_of(work_);
      done_.release();
    }
  }

  std::binary_semaphore begin_{0};
  std::binary_semaphore done_{0};
  std::function<void()> work_;
  double microseconds_ = 0;
  std::thread thread_;  // last: it uses the rest
};

void StrictTrue(benchmark::State& state) {
  auto started = Holder::start(uint64_t{64} << 20);
  KILN_CHECK(started.ok(), started.error().to_string());
  if (const auto* none = std::get_if<Support>(&*started)) {
    state.SkipWithError(none->to_string().c_str());
    return;
  }
  StderrLog log;
  Slots slots(std::get<std::unique_ptr<Holder>>(std::move(*started)), 4, log);
  // A thread with a filter of system calls passes it on: strict processes have one of their own.
  const std::vector<const char*> bare{kTrue, nullptr};
  const std::vector<const char*> bubblewrap{
      "/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/usr",   "/usr",   "--symlink", "usr/lib",
      "/lib",           "--symlink",     "usr/lib64", "/lib64", "--proc", "/proc",     "--dev",
      "/dev",           "--tmpfs",       "/tmp",      kTrue,    nullptr};
  const bool has_bubblewrap = ::access(bubblewrap[0], X_OK) == 0;
  const View none;
  const View loopback{.network = Network::kLoopback, .host_paths = {}};
  std::vector<double> times[5];
  ThreadedCall strict_thread;
  for ([[maybe_unused]] auto _ : state) {
    times[0].push_back(microseconds_of([&] { run_bare(bare); }));
    times[1].push_back(microseconds_of(run_plain));
    times[2].push_back(strict_thread.time([&] { run_strict(slots, none); }));
    times[3].push_back(strict_thread.time([&] { run_strict(slots, loopback); }));
    if (has_bubblewrap) times[4].push_back(microseconds_of([&] { run_bare(bubblewrap); }));
  }
  state.counters["bare_us"] = median(times[0]);
  state.counters["plain_us"] = median(times[1]);
  state.counters["strict_us"] = median(times[2]);
  state.counters["loopback_us"] = median(times[3]);
  if (has_bubblewrap) state.counters["bwrap_us"] = median(times[4]);
  state.counters["ratio"] = median(times[2]) / median(times[0]);
}
BENCHMARK(StrictTrue)->Iterations(300)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kiln::confine
