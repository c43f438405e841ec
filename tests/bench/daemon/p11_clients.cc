// P11: many clients at once, each with options of its own, and a client whose answer is known
// beside one that works. What a busy machine does to anyone, it does to /bin/true as well: so the
// floor of a no-op among others is the no-op alone, as many times longer as /bin/true is among the
// same.
#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr size_t kClients = 64;
constexpr double kRatio = 2;

struct Measured {
  Samples no_op;
  Samples bare;
};

void print_beside(const std::string& what, const Measured& measured, const Measured& alone) {
  const auto row = [&](const std::string& name, double p) {
    const double stretch = std::max(1.0, measured.bare.percentile(p) / alone.bare.percentile(p));
    print_ratio("P11", what + ", " + name, measured.no_op.percentile(p), "alone, queueing",
                alone.no_op.percentile(p) * stretch, kRatio);
  };
  row("p50", 0.5);
  row("p99", 0.99);
}

Samples run_often(const Program& program, int rounds) {
  Samples samples;
  for (int i = 0; i < rounds; ++i) samples.add(program.run());
  return samples;
}

// All at once, each `rounds` times.
Samples run_together(const std::vector<Program>& programs, int rounds) {
  std::vector<Samples> samples(programs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < programs.size(); ++i) {
    threads.emplace_back([&, i] { samples[i] = run_often(programs[i], rounds); });
  }
  for (std::thread& thread : threads) thread.join();
  Samples all;
  for (const Samples& some : samples) all.add(some);
  return all;
}

// Clients that keep all the daemon's processors at work, with a queue behind, while this lives.
class Work {
 public:
  explicit Work(const Stage& stage) {
    for (unsigned client = 0; client < 2 * std::thread::hardware_concurrency(); ++client) {
      threads_.emplace_back([this, &stage, client] { keep_working(stage, client); });
    }
  }
  ~Work() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  void keep_working(const Stage& stage, unsigned client) const {
    const std::string count = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    for (int unit = 0; !over_; ++unit) {
      const std::string name = "UNIT=" + std::to_string(client) + "." + std::to_string(unit);
      stage.kiln({"exec", "--env", name, "--", "/bin/sh", "-c", count}).run();
    }
  }

  std::atomic<bool> over_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

void measure_clients(const Options& options) {
  const Stage stage(options);
  make_small_files(stage.workspace(), 100);
  make_scripts(stage.workspace(), 2);
  std::vector<Program> clients;
  for (size_t i = 0; i < kClients; ++i) {
    const std::string exclude = "shellcheck.args=--exclude=SC" + std::to_string(2000 + i);
    clients.push_back(stage.kiln({"lint", "--option", exclude, "::"}));
  }
  const std::vector<Program> bare(kClients, stage.program({"/bin/true"}));
  run_together(clients, 1);

  const int rounds = options.quick ? 15 : 100;
  const int alone_rounds = options.quick ? 500 : 3000;
  const Measured alone{run_often(clients[0], alone_rounds), run_often(bare[0], alone_rounds)};
  const Measured together{run_together(clients, rounds), run_together(bare, rounds)};
  print_beside("no-op kiln lint, 64 clients at once", together, alone);

  const Work work(stage);
  const Measured beside{run_often(clients[0], alone_rounds), run_often(bare[0], alone_rounds)};
  print_beside("no-op kiln lint beside clients that work", beside, alone);
}

}  // namespace kiln::bench
