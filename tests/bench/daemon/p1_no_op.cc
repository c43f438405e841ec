// P1: a command whose answer is known, as a whole process, beside /bin/true.
#include <algorithm>
#include <random>
#include <vector>

#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr double kRatio = 2;
constexpr double kLimitP99 = 10;

void measure(const Options& options, size_t files, const std::string& name,
             const std::vector<std::string>& command) {
  const Stage stage(options);
  make_small_files(stage.workspace(), files);
  make_scripts(stage.workspace(), 10);
  const Program bare = stage.program({"/bin/true"});
  const Program warm = stage.kiln(command);
  warm.run();

  // Every command once a round, in an order that nobody can get used to: caches are as cold for the
  // one as for the other, and what else the machine does meets both.
  struct Contender {
    const Program& program;
    Samples samples;
  };
  Contender contenders[] = {{bare, {}}, {warm, {}}};
  size_t order[] = {0, 1};
  std::mt19937 random(1);
  const int rounds = options.quick ? 300 : 2000;
  for (int i = 0; i < rounds; ++i) {
    std::shuffle(std::begin(order), std::end(order), random);
    for (const size_t at : order) contenders[at].samples.add(contenders[at].program.run());
  }
  const Samples& floor = contenders[0].samples;
  const Samples& kiln = contenders[1].samples;
  const std::string what = "warm " + name + ", " + std::to_string(files) + " files, ";
  print_ratio("P1", what + "p50", kiln.p50(), "/bin/true", floor.p50(), kRatio);
  print_ratio("P1", what + "p10", kiln.p10(), "/bin/true", floor.p10(), kRatio);
  print_limit("P1", what + "p99", kiln.p99(), "/bin/true", floor.p99(), kLimitP99);
}

}  // namespace

void measure_no_op(const Options& options) {
  std::vector<size_t> sizes = {100, 10'000};
  if (!options.quick) sizes.push_back(100'000);
  for (const size_t files : sizes) {
    measure(options, files, "kiln exec", {"exec", "--input", "**", "--", "/bin/true"});
    measure(options, files, "kiln lint ::", {"lint", "::"});
  }
}

}  // namespace kiln::bench
