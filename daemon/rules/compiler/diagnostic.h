// Diagnostics: what the compiler of rule graphs has to say, for people and as data.
// Threads: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::rules {

struct Diagnostic {
  enum class Kind : uint8_t {
    kMissing,     // no rule gives what is wanted here
    kAmbiguous,   // more than one does
    kUnprovided,  // a type that no rule returns and no root or get provides
    kDuplicate,   // two rules, goals, queries or types of one name
    kInvalid,     // a name that cannot be asked for, a type that is not all of its fields
    kUnused,      // a warning: no goal and no query reaches this rule
  };
  Kind kind = Kind::kMissing;
  // Who wants it: the rule's name, or "query Snapshot(PathGlobs)"; and where that is written.
  std::string wanted_by;
  std::string file;
  unsigned line = 0;
  // "get<Snapshot>(Digest)", or "the parameter Snapshot"
  std::string want;
  // Others that want the same and lack it for the same reason: "lint_all (lint.cc:30)".
  std::vector<std::string> also_wanted_by;
  std::string product;             // the type that is wanted
  std::vector<std::string> scope;  // names of the param types at hand there, sorted
  // The rules that return the type, and why each is not the answer; for kAmbiguous: those that are.
  struct Candidate {
    std::string rule;
    std::string file;
    unsigned line = 0;
    std::string verdict;  // "needs PathGlobs, which is not in scope"
  };
  std::vector<Candidate> candidates;
  // The likeliest thing to do.
  std::string fix;
};

std::string_view kind_name(Diagnostic::Kind kind);  // "missing"

// One paragraph each, a blank line between, candidates indented:
//
//   lint.cc:12: run_shellcheck: get<Snapshot>(Digest): no rule makes Snapshot of this
//     in scope: Digest, Specs
//     capture (fs.cc:40): needs PathGlobs, which is not in scope
//     fix: get<Snapshot>(PathGlobs), or …
std::string to_text(const std::vector<Diagnostic>& diagnostics);
// {"diagnostics": [{"severity": "error", "kind": "missing", "wanted_by": …, …}]}
std::string to_json(const std::vector<Diagnostic>& diagnostics);

}  // namespace kiln::rules
