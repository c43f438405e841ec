#include "client/silence.h"

#include <algorithm>

namespace kiln {

bool Silence::heard(Clock::time_point now) {
  const bool told = done_ == Step::kTell;
  since_ = now;
  done_ = Step::kNone;
  return told;
}

Silence::Clock::time_point Silence::next() const {
  switch (done_) {
    case Step::kNone:
      return since_ + limits_.ask;
    case Step::kAsk:
      return since_ + limits_.tell;
    case Step::kTell:
      if (limits_.give_up.count() == 0) return Clock::time_point::max();
      return since_ + std::max(limits_.tell, limits_.give_up);
    case Step::kGiveUp:
      break;
  }
  return Clock::time_point::max();
}

Silence::Step Silence::step(Clock::time_point now) {
  if (now < next()) return Step::kNone;
  done_ = static_cast<Step>(static_cast<uint8_t>(done_) + 1);
  if (done_ == Step::kAsk) since_ = now;
  return done_;
}

int Silence::milliseconds_left(Clock::time_point now) const {
  const Clock::time_point at = next();
  if (at == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - now).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT32_MAX));
}

}  // namespace kiln
