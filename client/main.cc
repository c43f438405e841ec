// kiln: the thin client. One command line becomes one or a few calls to the daemon, and their
// answers become output and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "client/commands/dispatch.h"
#include "client/console.h"
#include "client/interrupt.h"

namespace {

// Closed standard descriptors would be given to the first files that are opened, and written to.
// What takes their place refuses to be read (standard input) and to be written to (standard
// output), so that who closed them by mistake is told that data is lost.
void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    const int flags = fd == STDIN_FILENO ? O_WRONLY : fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    (void)::open("/dev/null", flags);
  }
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  kiln::Interrupt interrupt(kiln::Interrupt::Arm::kLater);
  kiln::Console console(interrupt);
  const int code = kiln::run_command_line(std::vector<std::string>(argv + (argc > 0), argv + argc),
                                          console, interrupt);
  // Nothing is buffered, and nothing that destructors do is worth the time.
  ::_exit(code);
}
