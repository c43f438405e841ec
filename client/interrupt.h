// Interrupt: SIGINT and SIGTERM as a descriptor.
//
// What:   until arm() the signals have their default effect: they end the client at once, whatever
//         system call it waits in. Then the first signal is read from fd() by whoever waits; from
//         there on the signals have their default effect again, so that a second one ends the
//         client. Once armed, whatever waits without looking at fd() holds a Suspension.
// Owns:   the process's signal mask for these two signals. Make one, at the start of main.
// Threads: single-owner.
#pragma once

#include <signal.h>

#include <cstdint>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace kiln {

class Interrupt {
 public:
  enum class Arm : uint8_t { kAtOnce, kLater };
  explicit Interrupt(Arm arm = Arm::kAtOnce);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // From here on there is something to clean up: a call that the daemon is to be told the end of.
  void arm();
  // Readable when a signal came that take() has not seen.
  int fd() const { return fd_.get(); }
  // Sees a pending signal, if there is one. True once one was seen.
  bool take();
  // The signal that was seen; 0 if none.
  int signal() const { return signal_; }

  // While one lives the signals have their default effect: for a system call that may wait for ever
  // and that poll(2) cannot wait for, such as one on a file of a dead network mount. A call that is
  // in flight then ends with the connection.
  class Suspension {
   public:
    explicit Suspension(const Interrupt& interrupt) {
      ::sigprocmask(SIG_SETMASK, &interrupt.previous_mask_, &mask_);
    }
    ~Suspension() { ::sigprocmask(SIG_SETMASK, &mask_, nullptr); }
    Suspension(const Suspension&) = delete;
    Suspension& operator=(const Suspension&) = delete;

   private:
    sigset_t mask_;
  };

  // While one lives, the terminal's interrupt and quit keys are for a command in the foreground:
  // this process ignores SIGINT and SIGQUIT. SIGTERM is seen as before.
  class Foreground {
   public:
    explicit Foreground(const Interrupt& interrupt);
    ~Foreground();
    Foreground(const Foreground&) = delete;
    Foreground& operator=(const Foreground&) = delete;

    // The signal mask that a command is to start with: `mask` without what Interrupt blocks.
    sigset_t mask_for_children(sigset_t mask) const;

   private:
    const Interrupt& interrupt_;
    sigset_t mask_;
    struct sigaction on_interrupt_;
    struct sigaction on_quit_;
  };

 private:
  UniqueFd fd_;
  sigset_t signals_;
  sigset_t previous_mask_;
  int signal_ = 0;
};

// What an interrupted call ends with.
Error interrupted_error();

}  // namespace kiln
