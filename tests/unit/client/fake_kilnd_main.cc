// A stand-in for kilnd: fake_daemon behind kilnd's start-up convention, and `--list-goals`. Appends
// a line to $FAKE_KILND_STARTS at each start; $FAKE_KILND_MODE=broken makes it fail as a daemon
// would, =silent never answer what it is asked.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/base/file.h"
#include "common/base/version.h"
#include "common/ipc/paths.h"
#include "tests/unit/client/fake_daemon.h"

namespace {

void note_start() {
  if (const char* starts = std::getenv("FAKE_KILND_STARTS")) {
    const kiln::UniqueFd fd(::open(starts, O_WRONLY | O_CREAT | O_APPEND, 0600));
    (void)kiln::write_all(fd.get(), "started\n", starts);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* mode = std::getenv("FAKE_KILND_MODE");
  const bool broken = mode != nullptr && std::strcmp(mode, "broken") == 0;
  const bool silent = mode != nullptr && std::strcmp(mode, "silent") == 0;
  if (argc == 2 && std::strcmp(argv[1], "--list-goals") == 0) {
    if (broken) return 1;
    if (silent) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      note_start();
      for (;;) ::pause();
    }
    std::printf("goal\tgreet\tGreets everybody.\ngoal\tlint\tRun linters.\nscope\tpolite\tHow.\n");
    return 0;
  }
  const int ready = argc == 3 && std::strcmp(argv[1], "--ready-fd") == 0 ? std::atoi(argv[2]) : -1;
  if (ready < 0) return 2;
  if (broken) {
    std::fprintf(stderr, "noise on stderr\n");
    (void)kiln::write_all(ready, "the store is damaged\n", "ready");
    return 1;
  }
  const auto paths = kiln::daemon_paths(kiln::process_environment());
  if (!paths.ok()) return 1;
  note_start();
  ::unlink(paths->socket.c_str());
  const char* version = std::getenv("FAKE_KILND_VERSION");
  kiln::FakeDaemon daemon(paths->socket,
                          version != nullptr ? version : std::string(kiln::version()));
  (void)kiln::write_all(ready, "ready\n", "ready");
  ::close(ready);
  daemon.wait_for_stop();
  ::unlink(paths->socket.c_str());
  daemon.shutdown();
  ::_exit(0);
}
