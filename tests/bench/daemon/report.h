// Report: the figures, one line each of tab-separated columns, for tests/bench/run to lay out:
// figure, what, measured, floor or peer, ratio, goal, met or not.
#pragma once

#include <optional>
#include <string>

namespace kiln::bench {

struct Row {
  std::string figure;  // as goals call it: "P1"
  std::string what;
  std::string measured;
  std::string floor;            // with its name: "/bin/true 1.2 ms"; empty if there is none
  std::optional<double> ratio;  // of measured to floor
  std::string goal;             // empty: for information
  bool met = true;
};

void print(const Row& row);

// "43 µs", "1.24 ms", "3.10 s": three digits in the unit that suits.
std::string duration_text(double milliseconds);
std::string mebibytes_text(double bytes);

// What most figures are: a duration beside the duration of a floor, and how many times the floor
// the goal allows; no goal if `allowed` is 0.
void print_ratio(const std::string& figure, const std::string& what, double milliseconds,
                 const std::string& floor_name, double floor_milliseconds, double allowed);
// A duration with a goal of its own; the floor stands beside it.
void print_limit(const std::string& figure, const std::string& what, double milliseconds,
                 const std::string& floor_name, double floor_milliseconds,
                 double limit_milliseconds);

}  // namespace kiln::bench
