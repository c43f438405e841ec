// daemon_bench: the figures of the whole system, with the real kilnd and kiln. tests/bench/run lays
// out what it prints.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/daemon/figures.h"

namespace kiln::bench {
namespace {

struct Figure {
  const char* name;
  void (*measure)(const Options&);
};

constexpr Figure kFigures[] = {
    {"P1", measure_no_op},  {"P2", measure_round_trip}, {"P3", measure_one_edit},
    {"P4", measure_batch},  {"P7", measure_capture},    {"P11", measure_clients},
    {"P12", measure_start}, {"R4", measure_growth},
};

int main(int argc, char** argv) {
  Options options;
  options.directory = "bench";
  std::vector<std::string> names;
  CLI::App app("Prints the figures P1 P2 P3 P4 P7 P11 P12 R4, or those named.");
  app.add_flag("--quick", options.quick, "smaller trees and fewer rounds: about a minute");
  app.add_option("--directory", options.directory, "where trees and stores are made");
  app.add_option("figures", names, "which figures");
  CLI11_PARSE(app, argc, argv);
  options.directory = std::filesystem::absolute(options.directory).string();
  for (const Figure& figure : kFigures) {
    if (names.empty() || std::find(names.begin(), names.end(), figure.name) != names.end()) {
      std::fprintf(stderr, "measuring %s\n", figure.name);
      figure.measure(options);
    }
  }
  return 0;
}

}  // namespace
}  // namespace kiln::bench

int main(int argc, char** argv) { return kiln::bench::main(argc, argv); }
