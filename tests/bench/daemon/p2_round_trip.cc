// P2: a cached answer over a connection that stands, beside the least that a call costs.
#include "common/base/check.h"
#include "tests/bench/daemon/channel.h"
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

void measure_round_trip(const Options& options) {
  constexpr double kLimit = 0.1;
  const Stage stage(options);
  make_small_files(stage.workspace(), 100);
  const Channel channel(stage);
  const v1::ExecuteRequest request = channel.request({"/bin/true"}, {"**"});
  channel.execute(request);

  Samples executes;
  Samples calls;
  const int rounds = options.quick ? 3000 : 30'000;
  for (int i = 0; i < rounds; ++i) {
    const Stopwatch execute;
    const v1::ProcessResult result = channel.execute(request);
    executes.add(execute.milliseconds());
    KILN_CHECK(result.source() == v1::ProcessResult::MEMOIZED, "not memoized");
    const Stopwatch call;
    channel.check_health();
    calls.add(call.milliseconds());
  }
  print_limit("P2", "memoized Execute, warm channel, p50", executes.p50(), "health check",
              calls.p50(), kLimit);
  print_ratio("P2", "memoized Execute, warm channel, p10", executes.p10(), "health check",
              calls.p10(), 0);
}

}  // namespace kiln::bench
