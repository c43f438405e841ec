// TypeFacts: what there is to know of a type besides the rules that make it or want it.
// Threads: free functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

struct TypeFacts {
  struct Field {
    std::string name;
    std::string kind;     // "list", "text", "up|down", …
    std::string initial;  // the default, as JSON
  };
  std::vector<Field> fields;         // empty: not a record, or of an unknown form
  std::string_view scope;            // of options; else empty
  std::vector<std::string> members;  // of a union's base
  std::vector<std::string> bases;    // the unions that it is a member of
  std::vector<std::string> takers;   // of a side effect: the goals
};
TypeFacts facts_of(const RuleGraph& graph, TypeId type);
// Its fields alone.
std::vector<TypeFacts::Field> fields_of(TypeId type);

// Indented paragraphs, each with a heading.
std::string to_text(const TypeFacts& facts);
// "    --option shellcheck.skip=true|false  (default: false)", a line each.
std::string option_lines(const TypeFacts& facts);

}  // namespace kiln::rules
