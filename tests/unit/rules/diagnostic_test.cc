// What a person reads when a set of rules does not hold together.
#include "daemon/rules/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/rules/nearest.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A linter: what the engine has built in, the rules of a backend, and a goal.
ToyRules linter() {
  ToyRules rules;
  rules.root("Specs");
  rules.side_effect("Console");
  rules.union_base("LintRequest");
  rules.intrinsic("Snapshot", "capture", {"PathGlobs"});     // toy.cc:1
  rules.intrinsic("Snapshot", "merge", {"MergeDigests"});    // toy.cc:2
  rules.intrinsic("ProcessResult", "execute", {"Process"});  // toy.cc:3
  rules.rule("Addresses", "resolve", {"Specs"});             // toy.cc:4
  rules.query("Snapshot", {"PathGlobs"});                    // toy.cc:5
  rules.query("Snapshot", {"MergeDigests"});                 // toy.cc:6
  rules.query("ProcessResult", {"Process"});                 // toy.cc:7
  return rules;
}

std::string errors_of(const ToyRules& rules) { return to_text(rules.compile().errors); }

TEST(D, Print) {
  {
    ToyRules rules = linter();
    rules.rule("LintResult", "run_shellcheck", {"Shellcheck"},
               {{"Snapshot", {"Digest"}}, {"ProcessResult", {"Process"}}});
    rules.member("LintRequest", "Shellcheck");
    rules.goal("lint", {"Console", "Addresses"}, {{"LintResult", {"LintRequest"}}});
    puts(errors_of(rules).c_str());
    puts("-----");
  }
  {
    ToyRules rules = linter();
    rules.rule("LintResult", "run_shellcheck", {"Shellcheck", "Snapshot"},
               {{"ProcessResult", {"Process"}}});
    rules.member("LintRequest", "Shellcheck");
    rules.goal("lint", {"Console", "Addresses"}, {{"LintResult", {"LintRequest"}}});
    puts(errors_of(rules).c_str());
    puts("-----");
  }
  {
    ToyRules rules = linter();
    rules.goal("list", {"Console", "Adresses"});
    rules.goal("count", {"Adresses"});
    rules.goal("tree", {"Snapshot"});
    rules.goal("lint", {}, {{"LintResult", {"LintRequest"}}});
    rules.rule("Addresses", "resolve_again", {"Specs"});
    rules.goal("all", {"Addresses"});
    rules.goal("all", {"Addresses"});
    rules.rule("Egg", "lay", {"Hen"});
    rules.rule("Hen", "hatch", {"Egg"});
    rules.query("Egg", {});
    rules.query("Snapshot", {"Snapshot", "PathGlobs"});
    rules.rule("Deep", "deep", {"Middle"});
    rules.rule("Middle", "middle", {"Snapshot", "Specs"});
    rules.query("Deep", {"Process"});
    puts(errors_of(rules).c_str());
    puts("-----");
    puts(to_json(rules.compile().errors).c_str());
    puts(to_text(rules.compile().warnings).c_str());
    puts("-----");
  }
  {
    ToyRules rules = linter();
    rules.rule("Deep", "deep", {"Middle"});
    rules.rule("Fancy", "fancy", {"Unmade"});
    rules.rule("Middle", "middle", {"Snapshot", "Specs"});
    puts(to_text(rules.compile().warnings).c_str());
    puts("-----");
  }
}

}  // namespace
}  // namespace kiln::rules
