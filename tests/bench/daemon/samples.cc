#include "tests/bench/daemon/samples.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"

namespace kiln::bench {

double Samples::percentile(double p) const {
  KILN_CHECK(!values_.empty(), "nothing was measured");
  std::vector<double> sorted = values_;
  const auto rank = std::ceil(p * static_cast<double>(sorted.size()));
  const auto at = sorted.begin() + std::max<std::ptrdiff_t>(0, std::lround(rank) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

}  // namespace kiln::bench
