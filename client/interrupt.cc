#include "client/interrupt.h"

#include <sys/signalfd.h>

namespace kiln {

Interrupt::Interrupt(Arm arm) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  ::sigprocmask(SIG_SETMASK, nullptr, &previous_mask_);
  fd_.reset(::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (arm == Arm::kAtOnce) this->arm();
}

void Interrupt::arm() {
  // Without the descriptor nobody would notice: better the default effect of the signals. After the
  // first signal they have that again.
  if (fd_.valid() && signal_ == 0) ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
}

Interrupt::~Interrupt() { ::sigprocmask(SIG_SETMASK, &previous_mask_, nullptr); }

bool Interrupt::take() {
  signalfd_siginfo info;
  if (signal_ == 0 && ::read(fd_.get(), &info, sizeof info) == sizeof info) {
    signal_ = static_cast<int>(info.ssi_signo);
    ::sigprocmask(SIG_SETMASK, &previous_mask_, nullptr);
  }
  return signal_ != 0;
}

// A blocked signal waits even if it is ignored (signal(7)), so SIGINT has to be unblocked too.
Interrupt::Foreground::Foreground(const Interrupt& interrupt) : interrupt_(interrupt) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGINT, &ignore, &on_interrupt_);
  ::sigaction(SIGQUIT, &ignore, &on_quit_);
  sigset_t interrupt_only;
  sigemptyset(&interrupt_only);
  sigaddset(&interrupt_only, SIGINT);
  ::sigprocmask(SIG_UNBLOCK, &interrupt_only, &mask_);
}

Interrupt::Foreground::~Foreground() {
  if (sigismember(&mask_, SIGINT) == 1) {
    sigset_t interrupt_only;
    sigemptyset(&interrupt_only);
    sigaddset(&interrupt_only, SIGINT);
    ::sigprocmask(SIG_BLOCK, &interrupt_only, nullptr);
  }
  ::sigaction(SIGINT, &on_interrupt_, nullptr);
  ::sigaction(SIGQUIT, &on_quit_, nullptr);
}

sigset_t Interrupt::Foreground::mask_for_children(sigset_t mask) const {
  for (const int signal : {SIGINT, SIGTERM}) {
    if (sigismember(&interrupt_.previous_mask_, signal) == 0) sigdelset(&mask, signal);
  }
  return mask;
}

Error interrupted_error() { return user_error(ErrorCode::kCancelled, "interrupted"); }

}  // namespace kiln
