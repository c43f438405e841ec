// Real: a real number that may be a field of an engine value.
//
// What:    a double of which equal ones have equal bytes: there is one zero, and one NaN, which
//          equals itself.
// Threads: immutable values.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include "daemon/rules/values/value_reader.h"
#include "daemon/rules/values/value_writer.h"

namespace kiln::rules {

class Real {
 public:
  Real(double value = 0) : value_(canonical(value)) {}  // NOLINT: a number like any other
  operator double() const { return value_; }            // NOLINT: the same

  friend bool operator==(const Real& a, const Real& b) { return a.bytes() == b.bytes(); }
  friend bool operator==(const Real& a, double b) { return a == Real(b); }
  friend void encode_value(Encoder& out, const Real& real) { out.number(real.bytes()); }
  friend void write_value(ValueWriter& out, const Real& real) { out.number(real.value_); }
  friend Result<void> read_value(ValueReader& in, Real& real) {
    KILN_ASSIGN(real, in.number());
    return {};
  }

 private:
  static double canonical(double value) {
    if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
    return value == 0 ? 0 : value;
  }
  uint64_t bytes() const { return std::bit_cast<uint64_t>(value_); }

  double value_;
};

}  // namespace kiln::rules
