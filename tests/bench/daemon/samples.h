// Samples: durations of one thing measured many times, in milliseconds.
#pragma once

#include <chrono>
#include <vector>

namespace kiln::bench {

class Samples {
 public:
  void add(double milliseconds) { values_.push_back(milliseconds); }
  void add(const Samples& other) {
    values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  }
  // The value that the share `p` of all values does not exceed. At least one was added.
  double percentile(double p) const;
  double p10() const { return percentile(0.1); }
  double p50() const { return percentile(0.5); }
  double p99() const { return percentile(0.99); }

 private:
  std::vector<double> values_;
};

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
        .count();
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace kiln::bench
