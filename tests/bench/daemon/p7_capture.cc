// P7: a tree captured into an empty store, again after a restart, and again; beside bare walks.
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/floors.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr double kColdRatio = 1.3;
constexpr double kRestartRatio = 1.5;
constexpr double kWarmRatio = 2;

}  // namespace

void measure_capture(const Options& options) {
  const size_t files = options.quick ? 8000 : 80'000;
  Samples cold, hashed, restarted, walked, warm, bare;
  const int rounds = options.quick ? 2 : 3;
  for (int round = 0; round < rounds; ++round) {
    const Stage stage(options);
    make_source_tree(stage.workspace(), files);
    const Program capture = stage.kiln({"digest", "capture", "**"});
    stage.start_daemon();
    hashed.add(walk_and_hash(stage.workspace()));
    cold.add(capture.run());
    for (int restart = 0; restart < rounds; ++restart) {
      stage.stop_daemon();
      stage.start_daemon();
      walked.add(walk_with_statx(stage.workspace()));
      restarted.add(capture.run());
    }
    const Program nothing = stage.program({"/bin/true"});
    for (int i = 0; i < 100; ++i) {
      bare.add(nothing.run());
      warm.add(capture.run());
    }
  }
  const std::string what = "capture " + std::to_string(files) + " files, ";
  print_ratio("P7", what + "empty store", cold.p50(), "walk+SHA-256, all cores", hashed.p50(),
              kColdRatio);
  print_ratio("P7", what + "unchanged after restart", restarted.p50(), "walk+statx", walked.p50(),
              kRestartRatio);
  print_ratio("P7", what + "warm", warm.p50(), "/bin/true", bare.p50(), kWarmRatio);
}

}  // namespace kiln::bench
