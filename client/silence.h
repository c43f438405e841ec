// Silence: when to doubt that the other end of a quiet connection is alive.
//
// What:   after `ask` without a byte, the peer is to be asked for a sign of life; if none comes for
//         `tell`, a person is to be told; after `give_up` the waiting ends. A byte starts it all
//         over. Doubt begins with a question: a peer that nobody asked may be quiet for hours.
// Threads: single-owner.
#pragma once

#include <chrono>
#include <cstdint>

namespace kiln {

class Silence {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::chrono::milliseconds ask{2000};
    std::chrono::milliseconds tell{2000};      // after the question
    std::chrono::milliseconds give_up{60000};  // after the question; 0: never
  };
  enum class Step : uint8_t { kNone, kAsk, kTell, kGiveUp };

  Silence(Limits limits, Clock::time_point now) : limits_(limits), since_(now) {}

  // True if a person was told of the silence that ends here.
  bool heard(Clock::time_point now);
  // What is due now; each step once, in this order.
  Step step(Clock::time_point now);
  // Until the next step; -1: none comes.
  int milliseconds_left(Clock::time_point now) const;
  std::chrono::milliseconds give_up() const { return limits_.give_up; }

 private:
  Clock::time_point next() const;

  Limits limits_;
  Clock::time_point since_;
  Step done_ = Step::kNone;
};

}  // namespace kiln
