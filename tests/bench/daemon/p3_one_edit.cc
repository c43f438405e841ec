// P3: one file edited among many, to the end of the one process that reads it, beside a program
// that waits for the edit with inotify and starts the process itself.
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/unique_fd.h"
#include "tests/bench/daemon/channel.h"
#include "tests/bench/daemon/figures.h"
#include "tests/bench/daemon/report.h"
#include "tests/bench/daemon/samples.h"
#include "tests/bench/daemon/trees.h"

namespace kiln::bench {

namespace {

constexpr double kLimit = 5;

// The edit is seen, the process runs.
class Floor {
 public:
  Floor(const Stage& stage, const std::string& file)
      : process_(stage.program({"/bin/cat", file})), inotify_(::inotify_init1(IN_CLOEXEC)) {
    const std::string path = stage.workspace() + "/" + file;
    KILN_CHECK(::inotify_add_watch(inotify_.get(), path.c_str(), IN_CLOSE_WRITE) >= 0,
               "cannot watch " + path);
  }
  void see_and_run() const {
    char event[4096];
    KILN_CHECK(::read(inotify_.get(), event, sizeof event) > 0, "no event");
    process_.run();
  }

 private:
  const Program process_;
  const UniqueFd inotify_;
};

void measure(const Options& options, size_t files) {
  const Stage stage(options);
  make_small_files(stage.workspace(), files);
  const std::string file = file_name(files / 2);
  const std::string path = stage.workspace() + "/" + file;
  const Channel channel(stage);
  channel.capture("**");  // every file is known and every directory watched
  const v1::ExecuteRequest request = channel.request({"/bin/cat", file}, {file});
  channel.execute(request);

  Samples whole;
  Samples added;
  Samples recaptured;
  Samples bare;
  const int rounds = options.quick ? 100 : 1000;
  for (int i = 0; i < rounds; ++i) {
    const Stopwatch run;
    edit_file(path, 3 * i);
    const v1::ProcessResult result = channel.execute(request);
    const double elapsed = run.milliseconds();
    KILN_CHECK(result.source() == v1::ProcessResult::RAN, "did not run");
    whole.add(elapsed);
    added.add(elapsed - result.wall_seconds() * 1000);

    const Stopwatch capture;
    edit_file(path, 3 * i + 1);
    channel.capture("**");
    recaptured.add(capture.milliseconds());

    const Floor floor(stage, file);
    const Stopwatch least;
    edit_file(path, 3 * i + 2);
    floor.see_and_run();
    bare.add(least.milliseconds());
  }
  const std::string what = "one edit of " + std::to_string(files) + " files, ";
  print_limit("P3", what + "less the process's own time, p50", added.p50(), "inotify+spawn, all",
              bare.p50(), kLimit);
  print_ratio("P3", what + "edit to end of process, p50", whole.p50(), "inotify+spawn, all",
              bare.p50(), 0);
  print_limit("P3", what + "edit to capture of **, p50", recaptured.p50(), "inotify+spawn, all",
              bare.p50(), kLimit);
}

}  // namespace

void measure_one_edit(const Options& options) {
  measure(options, 100);
  measure(options, 10'000);
  if (!options.quick) measure(options, 100'000);
}

}  // namespace kiln::bench
