// Interrupt: SIGINT and SIGTERM as a descriptor.
//
// What:   the first signal is read from fd() by whoever waits; from then on the signals have their
//         default effect again, so that a second one ends the client at once.
// Owns:   the process's signal mask for these two signals. Make one, at the start of main.
// Threads: single-owner.
#pragma once

#include <signal.h>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace kiln {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Readable when a signal came that take() has not seen.
  int fd() const { return fd_.get(); }
  // Sees a pending signal, if there is one. True once one was seen.
  bool take();
  // The signal that was seen; 0 if none.
  int signal() const { return signal_; }

  // While one lives the signals have their default effect: for a wait that has no descriptor and
  // leaves nothing to clean up.
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
  sigset_t previous_mask_;
  int signal_ = 0;
};

// What an interrupted call ends with.
Error interrupted_error();

}  // namespace kiln
