// A kilnd with goals that show of runs what kiln's own goals cannot: rules that hold for one run
// only, that fail, that a test holds up, that change what they read.
#include <atomic>

#include "daemon/app/kilnd_main.h"
#include "daemon/intrinsics/interactive_effect.h"
#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/effects.h"

namespace probes {
namespace {

using namespace kiln::rules;
using kiln::intrinsics::DirectoryDigest;
using kiln::intrinsics::PathGlobs;
using kiln::intrinsics::Paths;
using kiln::intrinsics::Process;
using kiln::intrinsics::ProcessResult;

struct ProbeOptions {
  static constexpr std::string_view kTypeName = "ProbeOptions";
  static constexpr std::string_view kScope = "probe";
  std::string file;  // absolute: what the goal's process reads or writes outside of its sandbox
  static void fields(auto& self, auto&& field) { field("file", self.file); }
  friend bool operator==(const ProbeOptions&, const ProbeOptions&) = default;
};

struct Throw {
  static constexpr std::string_view kTypeName = "Throw";
  int number = 0;
  static void fields(auto& self, auto&& field) { field("number", self.number); }
  friend bool operator==(const Throw&, const Throw&) = default;
};

// Never the same twice.
Rule<Throw> throw_dice() {
  static std::atomic<int> thrown{0};
  co_return Throw{++thrown};
}

GoalRule<Gets<Throw(), Paths(PathGlobs)>> show_dice(Console& console) {
  const auto& [dice, paths] = co_await all(get<Throw>(), get<Paths>(PathGlobs{.globs = {"*.txt"}}));
  console.print("throw " + std::to_string(dice.number) + ":");
  for (const std::string& file : paths.files) console.print(" " + file);
  console.print("\n");
  co_return 0;
}

Process script(std::string text) {
  Process process;
  process.argv = {"/bin/sh", "-c", std::move(text)};
  process.env = {{"PATH", "/usr/bin:/bin"}};
  return process;
}

// Fails unless `verdict` says "good"; `file` has a line for each time that it ran.
GoalRule<Gets<DirectoryDigest(PathGlobs), ProcessResult(Process)>> prove(
    Console& console, const ProbeOptions& options) {
  Process process = script("echo ran >> " + options.file + "; cat verdict; grep -qx good verdict");
  process.input_digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"verdict"}});
  co_await get<ProcessResult>(process);
  console.print("proved\n");
  co_return 0;
}

// Says what comes through the fifo `file`.
GoalRule<Gets<ProcessResult(Process)>> wait_at_gate(Console& console, const ProbeOptions& options) {
  const auto& result = co_await get<ProcessResult>(script("cat " + options.file));
  console.print(result.stdout_text);
  co_return 0;
}

// Changes what it has read.
GoalRule<Gets<DirectoryDigest(PathGlobs), ProcessResult(Process)>> chase(
    Console& console, const ProbeOptions& options) {
  Process process = script("echo more >> " + options.file);
  process.input_digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"prey"}});
  co_await get<ProcessResult>(process);
  console.print("caught\n");
  co_return 0;
}

// Shows notes.txt in the caller's terminal with the shell `file`, and waits there for an answer.
GoalRule<Gets<DirectoryDigest(PathGlobs)>> show_notes(
    Console& console, kiln::intrinsics::InteractiveEffect& interactive,
    const ProbeOptions& options) {
  kiln::intrinsics::InteractiveProcess process;
  process.argv = {options.file.empty() ? "sh" : options.file, "-c",
                  "cat notes.txt; read answer; exit $answer"};
  process.env = {{"PATH", "/usr/bin:/bin"}};
  process.input_digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"notes.txt"}});
  process.restartable = true;
  int exit_code = 0;
  const auto done = co_await interactive.run(process, exit_code);
  if (!done.ok()) co_return done.error();
  console.print("the answer was " + std::to_string(exit_code) + "\n");
  co_return exit_code == 0 ? 0 : 1;
}

RuleSet rules() {
  RuleSet set;
  set.options<ProbeOptions>();
  set.add<&throw_dice>({.uncacheable = true});
  set.goal<&show_dice>("dice", "Throw dice, and list text files.");
  set.goal<&prove>("prove", "Fail unless the verdict is good.");
  set.goal<&wait_at_gate>("gate", "Wait for what comes through a fifo.");
  set.goal<&chase>("chase", "Change what was read.");
  set.goal<&show_notes>("notes", "Show the notes in the terminal.");
  return set;
}

}  // namespace
}  // namespace probes

int main(int argc, char** argv) { return kiln::app::kilnd_main(argc, argv, probes::rules()); }
