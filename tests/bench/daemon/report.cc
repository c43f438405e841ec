#include "tests/bench/daemon/report.h"

#include <cmath>
#include <cstdio>

namespace kiln::bench {

namespace {

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
  return text;
}

std::string named(const std::string& name, double milliseconds) {
  return name + " " + duration_text(milliseconds);
}

}  // namespace

void print(const Row& row) {
  const std::string ratio = row.ratio ? three_digits(*row.ratio) + "x" : "";
  const char* met = row.goal.empty() ? "" : row.met ? "yes" : "NO";
  std::printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.figure.c_str(), row.what.c_str(),
              row.measured.c_str(), row.floor.c_str(), ratio.c_str(), row.goal.c_str(), met);
  std::fflush(stdout);
}

std::string duration_text(double milliseconds) {
  if (milliseconds < 1) return three_digits(milliseconds * 1000) + " µs";
  if (milliseconds < 1000) return three_digits(milliseconds) + " ms";
  return three_digits(milliseconds / 1000) + " s";
}

std::string mebibytes_text(double bytes) { return three_digits(bytes / (1 << 20)) + " MiB"; }

void print_ratio(const std::string& figure, const std::string& what, double milliseconds,
                 const std::string& floor_name, double floor_milliseconds, double allowed) {
  const double ratio = milliseconds / floor_milliseconds;
  Row row{figure, what, duration_text(milliseconds), named(floor_name, floor_milliseconds), ratio,
          {},     true};
  if (allowed > 0) {
    char goal[32];
    std::snprintf(goal, sizeof goal, "≤ %gx", allowed);
    row.goal = goal;
    row.met = ratio <= allowed;
  }
  print(row);
}

void print_limit(const std::string& figure, const std::string& what, double milliseconds,
                 const std::string& floor_name, double floor_milliseconds,
                 double limit_milliseconds) {
  print({figure, what, duration_text(milliseconds), named(floor_name, floor_milliseconds),
         milliseconds / floor_milliseconds, "≤ " + duration_text(limit_milliseconds),
         milliseconds <= limit_milliseconds});
}

}  // namespace kiln::bench
