// P4: a thousand trivial processes that have never run, each in a sandbox and cached, beside ninja
// on the same commands with neither. P4b: their outputs put back from the cache, beside cp.
#include <filesystem>

#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr size_t kActions = 1000;
constexpr double kRatio = 1.3;
constexpr double kRestoreLimit = 100;

std::string command(const std::string& n) { return "cat in/" + n + " > out/" + n; }

void make_inputs(const std::string& directory) {
  for (const char* name : {"/in", "/out"}) std::filesystem::create_directory(directory + name);
  for (size_t i = 0; i < kActions; ++i) {
    const std::string n = std::to_string(i);
    write_file(directory + "/in/" + n, "input " + n + "\n");
  }
}

void make_ninja_file(const std::string& path) {
  std::string text = "rule cat\n  command = cat $in > $out\n";
  for (size_t i = 0; i < kActions; ++i) {
    const std::string n = std::to_string(i);
    text += "build out/" + n + ": cat in/" + n + "\n";
  }
  write_file(path, text);
}

void make_batch_file(const std::string& path) {
  std::string text;
  for (size_t i = 0; i < kActions; ++i) {
    const std::string n = std::to_string(i);
    text += R"({"argv": ["/bin/sh", "-c", ")" + command(n) + R"("], "input_globs": ["in/)" + n +
            R"("], "output_files": ["out/)" + n + "\"]}\n";
  }
  write_file(path, text);
}

double ninja(const Options& options) {
  const Stage stage(options);
  make_inputs(stage.workspace());
  make_ninja_file(stage.workspace() + "/build.ninja");
  return stage.program({"/usr/bin/ninja", "-j2", "--quiet"}).run();
}

struct Batch {
  double cold = 0;
  double restored = 0;
  double copied = 0;
};

Batch batch(const Options& options, bool write) {
  const Stage stage(options);
  make_inputs(stage.workspace());
  make_batch_file(stage.path("batch"));
  stage.start_daemon();
  std::vector<std::string> arguments = {"exec", "--batch", stage.path("batch")};
  if (write) arguments.emplace_back("--write");
  const Program kiln = stage.kiln(arguments);
  Batch result;
  result.cold = kiln.run();
  if (!write) return result;
  const auto empty = [&] {
    std::filesystem::remove_all(stage.workspace() + "/out");
    std::filesystem::create_directory(stage.workspace() + "/out");
  };
  empty();
  result.restored = kiln.run();
  empty();
  result.copied = stage.program({"/bin/cp", "-R", "in/.", "out/"}).run();
  return result;
}

}  // namespace

void measure_batch(const Options& options) {
  Samples peer;
  Samples cold;
  Samples written;
  Samples restored;
  Samples copied;
  const int rounds = options.quick ? 3 : 9;
  for (int i = 0; i < rounds; ++i) {
    peer.add(ninja(options));
    cold.add(batch(options, false).cold);
    const Batch with_write = batch(options, true);
    written.add(with_write.cold);
    restored.add(with_write.restored);
    copied.add(with_write.copied);
  }
  const std::string processes = std::to_string(kActions) + " processes, ";
  print_ratio("P4", processes + "cold, plain sandbox, stored", cold.p50(), "ninja -j2", peer.p50(),
              kRatio);
  print_ratio("P4", processes + "the same, written to the workspace", written.p50(), "ninja -j2",
              peer.p50(), 0);
  print_limit("P4b", std::to_string(kActions) + " outputs restored", restored.p50(), "cp -R",
              copied.p50(), kRestoreLimit);
}

}  // namespace kiln::bench
