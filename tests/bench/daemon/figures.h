// The figures of the whole system. Each measures, prints its rows and leaves nothing behind.
#pragma once

#include "tests/bench/daemon/stage.h"

namespace kiln::bench {

void measure_no_op(const Options& options);       // P1
void measure_round_trip(const Options& options);  // P2
void measure_one_edit(const Options& options);    // P3
void measure_batch(const Options& options);       // P4, P4b
void measure_capture(const Options& options);     // P7
void measure_clients(const Options& options);     // P11
void measure_start(const Options& options);       // P12
void measure_growth(const Options& options);      // R4

}  // namespace kiln::bench
