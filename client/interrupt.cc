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

Error interrupted_error() { return user_error(ErrorCode::kCancelled, "interrupted"); }

}  // namespace kiln
