#include "client/interrupt.h"

#include <sys/signalfd.h>

namespace kiln {

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, &previous_mask_);
  fd_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  // Without the descriptor nobody would notice: better the default effect of the signals.
  if (!fd_.valid()) ::sigprocmask(SIG_SETMASK, &previous_mask_, nullptr);
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

Error interrupted_error() { return user_error(ErrorCode::kCancelled, "interrupted"); }

}  // namespace kiln
