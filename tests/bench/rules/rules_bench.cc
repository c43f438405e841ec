// How long a daemon's start waits for the compiler of rule graphs.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "daemon/rules/rule_graph.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {
namespace {

std::string numbered(const char* name, int i) { return name + std::to_string(i); }

// What a build tool of many languages has: engine intrinsics, options by subsystem, tools that are
// downloaded and configured, requests of a backend through unions, closures that ask for
// themselves, and goals on top. 20 goals, 1,000 rules, 200 unlike requests.
void realistic(ToyRules& rules) {
  constexpr int kGoals = 20;
  constexpr int kBackends = 100;  // each with two requests
  for (const char* root : {"Specs", "GlobalOptions", "Environment"}) rules.root(root);
  rules.intrinsic("Snapshot", "capture", {"PathGlobs"});
  rules.intrinsic("Snapshot", "load", {"Digest"});
  rules.intrinsic("Digest", "merge", {"MergeDigests"});
  rules.intrinsic("Digest", "create", {"CreateDigest"});
  rules.intrinsic("Digest", "download", {"DownloadFile"});
  rules.intrinsic("Result", "execute", {"Process"});
  rules.rule("Addresses", "resolve_specs", {"Specs"}, {{"Snapshot", {"PathGlobs"}}});
  rules.rule("Targets", "targets", {"Addresses"}, {{"Target", {"Address"}}});
  rules.rule("Target", "parse_target", {"Address", "GlobalOptions"}, {{"Snapshot", {"PathGlobs"}}});
  rules.rule("Closure", "closure", {"Address"},
             {{"Target", {"Address"}}, {"Closure", {"Address"}}, {"Inferred", {"InferRequest"}}});
  rules.rule("Tool", "tool", {"ToolRequest", "Environment"},
             {{"Digest", {"DownloadFile"}}, {"Digest", {"MergeDigests"}}});
  rules.union_base("InferRequest");
  for (int i = 0; i < kGoals; ++i) rules.union_base(numbered("Request", i));
  for (int i = 0; i < kBackends; ++i) {
    const std::string options = numbered("Options", i);
    const std::string tool = numbered("Tool", i);
    const std::string infer = numbered("Infer", i);
    const std::string lint = numbered("Lint", i);
    const std::string setup = numbered("Setup", i);
    const int goal = i % kGoals;
    rules.rule(options, numbered("options", i), {"GlobalOptions"});
    rules.rule(tool, numbered("tool", i), {options}, {{"Tool", {"ToolRequest"}}});
    rules.rule(numbered("Config", i), numbered("config", i), {options},
               {{"Snapshot", {"PathGlobs"}}});
    rules.rule(numbered("Interpreter", i), numbered("interpreter", i), {options, "Environment"});
    rules.rule(setup, numbered("setup", i), {tool, numbered("Interpreter", i)},
               {{"Result", {"Process"}}, {"Digest", {"MergeDigests"}}});
    rules.rule(numbered("Sources", i), numbered("sources", i), {numbered("Fields", i)},
               {{"Snapshot", {"PathGlobs"}}, {"Closure", {"Address"}}});
    rules.rule(numbered("Partition", i), numbered("partition", i), {lint, options},
               {{numbered("Sources", i), {numbered("Fields", i)}}});
    rules.member(numbered("Request", goal), lint);
    rules.rule(numbered("Outcome", goal), numbered("run", i),
               {lint, setup, numbered("Config", i), numbered("Partition", i)},
               {{"Digest", {"MergeDigests"}}, {"Result", {"Process"}}, {"Closure", {"Address"}}});
    rules.member("InferRequest", infer);
    rules.rule("Inferred", numbered("infer", i), {infer, setup},
               {{"Target", {"Address"}}, {"Result", {"Process"}}, {"Closure", {"Address"}}});
  }
  for (int i = 0; i < kGoals; ++i) {
    const std::string outcome = numbered("Outcome", i);
    rules.rule(numbered("Report", i), numbered("report", i), {"Targets"},
               {{outcome, {numbered("Request", i)}}});
    rules.goal(numbered("goal", i), {numbered("Report", i), "GlobalOptions"},
               {{"Digest", {"CreateDigest"}}});
    rules.query(outcome, {numbered("Lint", i)});
  }
  for (int i = 0; static_cast<int>(rules.set.rules().size()) < 1000; ++i) {
    rules.rule(numbered("Plain", i), numbered("plain", i), {"GlobalOptions"});
    rules.query(numbered("Plain", i), {});
  }
}

// One goal, and 1,000 rules for the 1,000 members of the union that it asks; each asks the union.
void wide(ToyRules& rules) {
  rules.union_base("Request");
  rules.goal("goal", {}, {{"Answer", {"Request"}}});
  for (int i = 0; i < 999; ++i) {
    rules.member("Request", numbered("Request", i));
    const bool asks_again = i % 10 == 0;
    rules.rule("Answer", numbered("answer", i), {numbered("Request", i)},
               asks_again ? ToyRules::Gets{{"Answer", {"Request"}}} : ToyRules::Gets{});
  }
}

// 1,000 rules, each with the next one as its argument, and a param from the top at the bottom.
void deep(ToyRules& rules) {
  rules.root("Options");
  rules.goal("goal", {"T0"});
  for (int i = 0; i < 998; ++i) {
    rules.rule(numbered("T", i), numbered("r", i), {numbered("T", i + 1)},
               {{numbered("T", i + 1), {}}});
  }
  rules.rule("T998", "last", {"Options"});
}

void Compile(benchmark::State& state, void (*make)(ToyRules&)) {
  ToyRules rules;
  make(rules);
  size_t entries = 0;
  for (auto _ : state) {
    const RuleGraph::Compiled compiled = RuleGraph::compile(rules.set);
    if (compiled.graph == nullptr) {
      state.SkipWithError(to_text(compiled.errors).c_str());
      break;
    }
    entries = compiled.graph->entries().size();
  }
  state.counters["rules"] = static_cast<double>(rules.set.rules().size());
  state.counters["entries"] = static_cast<double>(entries);
}
BENCHMARK_CAPTURE(Compile, Realistic, realistic)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Compile, Wide, wide)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Compile, Deep, deep)->Unit(benchmark::kMillisecond);

// The same set without what executes processes: all that there is to say, and to explain.
void Explain(benchmark::State& state) {
  ToyRules rules;
  realistic(rules);
  RuleSet broken;
  for (const auto& rule : rules.set.rules()) {
    if (rule->info.name != "execute") broken.define(RuleDefinition(*rule));
  }
  for (const QueryDeclaration& query : rules.set.queries()) broken.define(query);
  for (const UnionMember& member : rules.set.members()) broken.define(member);
  for (const TypeId root : rules.set.roots()) broken.add_root(root);
  size_t errors = 0;
  for (auto _ : state) {
    const RuleGraph::Compiled compiled = RuleGraph::compile(broken);
    errors = compiled.errors.size();
    benchmark::DoNotOptimize(to_text(compiled.errors));
  }
  state.counters["errors"] = static_cast<double>(errors);
}
BENCHMARK(Explain)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kiln::rules
