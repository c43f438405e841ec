// P4: a thousand trivial processes that have never run, each in a sandbox and cached, beside ninja
// on the same commands with neither, and bubblewrap with a sandbox and no cache; wall time and
// processor time. P4b: their outputs put back from the cache, beside cp.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/check.h"
#include "common/base/file.h"
#include "tests/bench/daemon/channel.h"

#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr size_t kActions = 1000;
constexpr double kPlainRatio = 1.15;
constexpr double kStrictRatio = 1.3;
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

// Of children of this process that were waited for, and theirs, in milliseconds.
double processor_time_of_children() {
  struct rusage use;
  ::getrusage(RUSAGE_CHILDREN, &use);
  const auto milliseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return milliseconds(use.ru_utime) + milliseconds(use.ru_stime);
}

struct Cost {
  double wall = 0;
  double processor = 0;  // of the program, a daemon that it asks, and all that either starts
};

Cost cost_of(const Program& program) {
  const double before = processor_time_of_children();
  Cost cost;
  cost.wall = program.run();
  cost.processor = processor_time_of_children() - before;
  return cost;
}

// Fields 14 to 17 of /proc/PID/stat (proc_pid_stat(5)): of the process and of its dead children.
double processor_time_of(int64_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  KILN_CHECK(text.ok(), "cannot read the processor time of the daemon");
  size_t at = text->rfind(')') + 1;
  for (int field = 3; field < 14; ++field) at = text->find(' ', at + 1);
  double ticks = 0;
  for (int field = 14; field < 18; ++field) {
    ticks += std::stod(text->substr(at));
    at = text->find(' ', at + 1);
  }
  return ticks * 1e3 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void make_batch_file(const std::string& path, const std::string& level) {
  std::string text;
  for (size_t i = 0; i < kActions; ++i) {
    const std::string n = std::to_string(i);
    text += R"({"argv": ["/bin/sh", "-c", ")" + command(n) + R"("], "input_globs": ["in/)" + n +
            R"("], "output_files": ["out/)" + n + R"("], "sandbox": ")" + level + "\"}\n";
  }
  write_file(path, text);
}

Cost ninja(const Options& options) {
  const Stage stage(options);
  make_inputs(stage.workspace());
  make_ninja_file(stage.workspace() + "/build.ninja");
  return cost_of(stage.program({"/usr/bin/ninja", "-j2", "--quiet"}));
}

// Each command in namespaces of its own, with the system's tools and the workspace.
Cost bubblewrap(const Options& options) {
  const Stage stage(options);
  make_inputs(stage.workspace());
  std::string numbers;
  for (size_t i = 0; i < kActions; ++i) numbers += std::to_string(i) + "\n";
  write_file(stage.path("numbers"), numbers);
  return cost_of(stage.program({"/usr/bin/xargs",
                                "-a",
                                stage.path("numbers"),
                                "-P2",
                                "-I{}",
                                "/usr/bin/bwrap",
                                "--unshare-all",
                                "--die-with-parent",
                                "--ro-bind",
                                "/usr",
                                "/usr",
                                "--symlink",
                                "usr/bin",
                                "/bin",
                                "--symlink",
                                "usr/lib",
                                "/lib",
                                "--symlink",
                                "usr/lib64",
                                "/lib64",
                                "--proc",
                                "/proc",
                                "--dev",
                                "/dev",
                                "--tmpfs",
                                "/tmp",
                                "--bind",
                                stage.workspace(),
                                "/sandbox",
                                "--chdir",
                                "/sandbox",
                                "/bin/sh",
                                "-c",
                                command("{}")}));
}

struct Batch {
  Cost cold;
  double restored = 0;
  double copied = 0;
};

Batch batch(const Options& options, const std::string& level, bool write) {
  const Stage stage(options);
  make_inputs(stage.workspace());
  make_batch_file(stage.path("batch"), level);
  stage.start_daemon();
  const int64_t daemon = Channel(stage).status().pid();
  std::vector<std::string> arguments = {"exec", "--batch", stage.path("batch")};
  if (write) arguments.emplace_back("--write");
  const Program kiln = stage.kiln(arguments);
  Batch result;
  const double before = processor_time_of(daemon);
  result.cold = cost_of(kiln);
  result.cold.processor += processor_time_of(daemon) - before;
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

struct Costs {
  void add(const Cost& cost) {
    wall.add(cost.wall);
    processor.add(cost.processor);
  }
  Samples wall;
  Samples processor;
};

}  // namespace

void measure_batch(const Options& options) {
  Costs peer;
  Costs wrapped;
  Costs plain;
  Costs strict;
  Samples written;
  Samples restored;
  Samples copied;
  const int rounds = options.quick ? 3 : 9;
  for (int i = 0; i < rounds; ++i) {
    peer.add(ninja(options));
    wrapped.add(bubblewrap(options));
    plain.add(batch(options, "PLAIN", false).cold);
    strict.add(batch(options, "STRICT", false).cold);
    const Batch with_write = batch(options, "PLAIN", true);
    written.add(with_write.cold.wall);
    restored.add(with_write.restored);
    copied.add(with_write.copied);
  }
  const std::string processes = std::to_string(kActions) + " processes, ";
  const auto beside_ninja = [&](const char* what, double wall, double allowed) {
    print_ratio("P4", processes + what, wall, "ninja -j2", peer.wall.p50(), allowed);
  };
  const auto processor_time = [&](const char* what, const Costs& costs) {
    print_ratio("P4", processes + what, costs.processor.p50(), "ninja -j2", peer.processor.p50(),
                0);
  };
  beside_ninja("cold, plain sandbox, stored", plain.wall.p50(), kPlainRatio);
  beside_ninja("cold, strict sandbox, stored", strict.wall.p50(), kStrictRatio);
  beside_ninja("plain, written to the workspace", written.p50(), 0);
  print_ratio("P4", processes + "cold, strict sandbox, stored", strict.wall.p50(),
              "bwrap, xargs -P2", wrapped.wall.p50(), 1);
  processor_time("plain, processor time", plain);
  processor_time("strict, processor time", strict);
  print_limit("P4b", std::to_string(kActions) + " outputs restored", restored.p50(), "cp -R",
              copied.p50(), kRestoreLimit);
}

}  // namespace kiln::bench
