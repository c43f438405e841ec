// A kilnd whose author made every mistake at once. rules_test.cc says what they are told.
#include "daemon/app/kilnd_main.h"
#include "daemon/intrinsics/tree_values.h"

namespace wrong {
namespace {

using namespace kiln::rules;
using kiln::intrinsics::Snapshot;

struct Topic {
  static constexpr std::string_view kTypeName = "Topic";
  std::string name;
  static void fields(auto& self, auto&& field) { field("name", self.name); }
  friend bool operator==(const Topic&, const Topic&) = default;
};
struct Report {
  static constexpr std::string_view kTypeName = "Report";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Report&, const Report&) = default;
};
struct Census {
  static constexpr std::string_view kTypeName = "Census";
  int files = 0;
  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const Census&, const Census&) = default;
};

// Missing: no rule makes a Snapshot of a Topic.
Rule<Census, Gets<Snapshot(Topic)>> count_files(const Topic& topic) {
  const auto& files = co_await get<Snapshot>(topic);
  co_return Census{static_cast<int>(files.files.size())};
}
// Ambiguous: both make a Report of a Topic.
Rule<Report> write_report(const Topic& topic) { co_return Report{topic.name}; }
Rule<Report> copy_report(const Topic& topic) { co_return Report{topic.name}; }
// Duplicate: kiln has a goal of that name. What it alone asks for follows from nothing else.
GoalRule<Gets<Census(Topic)>> lint(const Topic& topic) {
  co_return (co_await get<Census>(topic)).files;
}
// Unused.
Rule<Topic> idle() { co_return Topic{"idle"}; }

RuleSet rules() {
  RuleSet set;
  set.add<&count_files>();
  set.add<&write_report>();
  set.add<&copy_report>();
  set.add<&idle>();
  set.goal<&lint>("lint", "Lints otherwise.");
  set.root<Topic>();
  set.query<Census(Topic)>();
  set.query<Report(Topic)>();
  return set;
}

}  // namespace
}  // namespace wrong

int main(int argc, char** argv) { return kiln::app::kilnd_main(argc, argv, wrong::rules()); }
