// P12: from no daemon to the first answer, and what a daemon weighs that knows many files.
#include "tests/bench/daemon/channel.h"
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr double kStartLimit = 100;
constexpr double kMemoryLimit = 200 * 1e6;

double resident(const Stage& stage) {
  return static_cast<double>(Channel(stage).status().resident_bytes());
}

}  // namespace

void measure_start(const Options& options) {
  const size_t files = options.quick ? 10'000 : 100'000;
  const Stage stage(options);
  make_small_files(stage.workspace(), files);
  stage.start_daemon();
  const double empty = resident(stage);
  stage.kiln({"digest", "capture", "**"}).run();
  const double full = resident(stage);

  // `--version` is the daemon's program loaded and ended: what no start can be quicker than.
  const Program load = stage.program({KILN_DAEMON, "--version"});
  const Program first = stage.kiln({"exec", "--", "/bin/true"});
  first.run();
  Samples starts;
  Samples loads;
  const int rounds = options.quick ? 10 : 50;
  for (int i = 0; i < rounds; ++i) {
    stage.stop_daemon();
    starts.add(first.run());
    loads.add(load.run());
  }
  const std::string known = std::to_string(files) + " files";
  print_limit("P12", "no daemon to first answer, store of " + known + ", p50", starts.p50(),
              "kilnd --version", loads.p50(), kStartLimit);
  print({"P12", "resident with " + known + " captured", mebibytes_text(full),
         "empty daemon " + mebibytes_text(empty), full / empty, "≤ " + mebibytes_text(kMemoryLimit),
         full <= kMemoryLimit});
}

}  // namespace kiln::bench
