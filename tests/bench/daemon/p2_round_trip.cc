// P2: a cached answer over a connection that stands, beside the least that a call costs.
#include "common/base/check.h"
#include "tests/bench/daemon/channel.h"
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr double kLimit = 0.1;

// `ask` beside the least that a call costs, turn by turn.
template <class Ask>
void measure(const Options& options, const Channel& channel, const std::string& what, Ask ask) {
  ask();
  Samples answers;
  Samples calls;
  const int rounds = options.quick ? 3000 : 30'000;
  for (int i = 0; i < rounds; ++i) {
    const Stopwatch answer;
    ask();
    answers.add(answer.milliseconds());
    const Stopwatch call;
    channel.check_health();
    calls.add(call.milliseconds());
  }
  print_limit("P2", what + ", p50", answers.p50(), "health check", calls.p50(), kLimit);
  print_ratio("P2", what + ", p10", answers.p10(), "health check", calls.p10(), 0);
}

void measure_execute(const Options& options) {
  const Stage stage(options);
  make_small_files(stage.workspace(), 100);
  const Channel channel(stage);
  const v1::ExecuteRequest request = channel.request({"/bin/true"}, {"**"});
  channel.execute(request);
  measure(options, channel, "memoized Execute, warm channel", [&] {
    const v1::ProcessResult result = channel.execute(request);
    KILN_CHECK(result.source() == v1::ProcessResult::MEMOIZED, "not memoized");
  });
}

void measure_lint(const Options& options, size_t files) {
  const Stage stage(options);
  make_small_files(stage.workspace(), files);
  make_scripts(stage.workspace(), 10);
  const Channel channel(stage);
  measure(options, channel,
          "lint of nothing new, " + std::to_string(files) + " files, warm channel",
          [&] { channel.run_goal("lint"); });
}

}  // namespace

void measure_round_trip(const Options& options) {
  measure_execute(options);
  for (const size_t files : {size_t{100}, size_t{10'000}}) measure_lint(options, files);
}

}  // namespace kiln::bench
