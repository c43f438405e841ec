// R4: what a daemon holds after many edits, beside what it held when it had seen a part of them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>

#include "common/base/check.h"
#include "tests/bench/daemon/channel.h"
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

// What may grow up to a limit has reached it before half of the edits are done.
const Environment kSmall = {
    {"KILN_MEMO_NODES", "10000"}, {"KILN_MEMO_BYTES", "4000000"}, {"KILN_CACHE_BYTES", "1000000"}};
// States of the workspace that come again and again, so that the store grows no more. They make
// more nodes than the memo may have.
constexpr size_t kStates = 5000;
constexpr size_t kFiles = 10;
constexpr size_t kEditsBetweenLooks = 100;
// Pages come and go by the megabyte.
constexpr double kNoGrowth = 1.05;

struct Held {
  double resident = 0;
  double memo_nodes = 0;
  double open_files = 0;
  double threads = 0;

  // The most that was seen of each.
  void see(const v1::StatusResponse& status) {
    const std::filesystem::path process = "/proc/" + std::to_string(status.pid());
    resident = std::max(resident, static_cast<double>(status.resident_bytes()));
    memo_nodes = std::max(memo_nodes, static_cast<double>(status.memo_nodes()));
    open_files = std::max(open_files, entries(process / "fd"));
    threads = std::max(threads, entries(process / "task"));
  }

 private:
  static double entries(const std::filesystem::path& directory) {
    using Entries = std::filesystem::directory_iterator;
    return static_cast<double>(std::distance(Entries(directory), Entries()));
  }
};

std::string count_text(double count) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", count);
  return text;
}

void print_growth(const std::string& what, double last, double before, std::string (*text)(double),
                  double allowed) {
  const double ratio = last / before;
  const std::string goal = allowed > 0 ? "≤ 1.05x" : "";
  print({"R4", what, text(last), "when half were made " + text(before), ratio, goal,
         allowed == 0 || ratio <= allowed});
}

// One edit and a process that must run for it, time and again; every `states` edits the workspace
// is as it was.
void measure(const Options& options, size_t edits, size_t states, const std::string& what,
             double allowed) {
  const Stage stage(options, kSmall);
  make_small_files(stage.workspace(), kFiles);
  const Channel channel(stage);
  Held quarters[4];
  for (size_t i = 0; i < edits; ++i) {
    const std::string file = file_name(i % kFiles);
    edit_file(stage.workspace() + "/" + file, static_cast<int>(i % states));
    v1::ExecuteRequest request = channel.request({"/bin/cat", file}, {"**"});
    request.mutable_process()->set_cache_scope(v1::Process::PER_SESSION);
    const auto result = channel.execute(request);
    KILN_CHECK(result.source() == v1::ProcessResult::RAN, "did not run");
    if (i % kEditsBetweenLooks == 0) quarters[4 * i / edits].see(channel.status());
  }
  const Held& before = quarters[1];
  const Held& last = quarters[3];
  const std::string after = " after " + std::to_string(edits) + what;
  print_growth("resident" + after, last.resident, before.resident, mebibytes_text, allowed);
  print_growth("nodes" + after, last.memo_nodes, before.memo_nodes, count_text, allowed);
  print_growth("open files" + after, last.open_files, before.open_files, count_text, allowed);
  print_growth("threads" + after, last.threads, before.threads, count_text, allowed);
}

}  // namespace

void measure_growth(const Options& options) {
  const size_t edits = options.quick ? 20'000 : 100'000;
  measure(options, edits, kStates, " edits and processes", kNoGrowth);
  // With the store grow the indexes of its tables, and the tables that are open.
  measure(options, edits, edits, " edits to what never was", 0);
}

}  // namespace kiln::bench
