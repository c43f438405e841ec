// What the rules of these files are about.
#pragma once

#include "daemon/rules/effects.h"
#include "daemon/rules/rule_set.h"

namespace kiln::rules {

struct In {
  static constexpr std::string_view kTypeName = "In";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const In&, const In&) = default;
};
struct Out {
  static constexpr std::string_view kTypeName = "Out";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Out&, const Out&) = default;
};

struct NoName {
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const NoName&, const NoName&) = default;
};
struct NoEquality {
  static constexpr std::string_view kTypeName = "NoEquality";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
};
struct NoFields {
  static constexpr std::string_view kTypeName = "NoFields";
  std::string text;
  friend bool operator==(const NoFields&, const NoFields&) = default;
};

}  // namespace kiln::rules
