#include "daemon/rules/compiler/diagnostic.h"

#include <nlohmann/json.hpp>

namespace kiln::rules {

namespace {

using Kind = Diagnostic::Kind;
using Json = nlohmann::ordered_json;

// A person reads no more; to_json() has them all.
constexpr size_t kMaxListed = 8;

std::string located(const std::string& file, unsigned line) {
  return file.empty() ? "" : file + ":" + std::to_string(line);
}

std::string joined(const std::vector<std::string>& names, const char* if_empty) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i == kMaxListed) return text + " and " + std::to_string(names.size() - i) + " more";
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.empty() ? if_empty : text;
}

std::string problem(const Diagnostic& diagnostic) {
  const std::string& product = diagnostic.product;
  const bool parameter = diagnostic.want.starts_with("the parameter");
  const std::string of = parameter ? " of what is in scope" : " of this";
  switch (diagnostic.kind) {
    case Kind::kMissing:
      return diagnostic.candidates.empty() ? "no rule returns " + product
                                           : "no rule makes " + product + of;
    case Kind::kAmbiguous:
      return std::to_string(diagnostic.candidates.size()) + " rules make " + product + of;
    case Kind::kUnprovided:
      return "no rule returns " + product + ", and nothing gives it";
    case Kind::kDuplicate:
    case Kind::kInvalid:
      return "";  // `want` says it
    case Kind::kUnused:
      return "no goal and no query reaches this rule";
  }
  return "";
}

std::string headline(const Diagnostic& diagnostic) {
  std::string text = located(diagnostic.file, diagnostic.line);
  if (!text.empty()) text += ": ";
  if (diagnostic.kind == Kind::kUnused) text += "warning: ";
  text += diagnostic.wanted_by;
  if (!diagnostic.want.empty()) text += ": " + diagnostic.want;
  const std::string what = problem(diagnostic);
  return what.empty() ? text : text + ": " + what;
}

void append_text(std::string& text, const Diagnostic& diagnostic) {
  const auto detail = [&text](const std::string& line) { text += "  " + line + "\n"; };
  text += headline(diagnostic) + "\n";
  const bool about_scope = diagnostic.kind == Kind::kMissing || diagnostic.kind == Kind::kAmbiguous;
  if (about_scope) detail("in scope: " + joined(diagnostic.scope, "nothing"));
  size_t listed = 0;
  for (const Diagnostic::Candidate& candidate : diagnostic.candidates) {
    if (listed++ == kMaxListed) {
      detail("… and " + std::to_string(diagnostic.candidates.size() - kMaxListed) + " more rules");
      break;
    }
    const std::string where = located(candidate.file, candidate.line);
    detail(candidate.rule + (where.empty() ? "" : " (" + where + ")") + ": " + candidate.verdict);
  }
  if (!diagnostic.also_wanted_by.empty()) {
    detail("also wanted by: " + joined(diagnostic.also_wanted_by, ""));
  }
  if (!diagnostic.fix.empty()) detail("fix: " + diagnostic.fix);
}

Json as_json(const Diagnostic& diagnostic) {
  Json candidates = Json::array();
  for (const Diagnostic::Candidate& candidate : diagnostic.candidates) {
    candidates.push_back({{"rule", candidate.rule},
                          {"file", candidate.file},
                          {"line", candidate.line},
                          {"verdict", candidate.verdict}});
  }
  return {{"severity", diagnostic.kind == Kind::kUnused ? "warning" : "error"},
          {"kind", kind_name(diagnostic.kind)},
          {"wanted_by", diagnostic.wanted_by},
          {"file", diagnostic.file},
          {"line", diagnostic.line},
          {"want", diagnostic.want},
          {"also_wanted_by", diagnostic.also_wanted_by},
          {"product", diagnostic.product},
          {"scope", diagnostic.scope},
          {"candidates", std::move(candidates)},
          {"problem", problem(diagnostic)},
          {"fix", diagnostic.fix}};
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kMissing:
      return "missing";
    case Kind::kAmbiguous:
      return "ambiguous";
    case Kind::kUnprovided:
      return "unprovided";
    case Kind::kDuplicate:
      return "duplicate";
    case Kind::kInvalid:
      return "invalid";
    case Kind::kUnused:
      return "unused";
  }
  return "unknown";
}

std::string to_text(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += "\n";
    append_text(text, diagnostic);
  }
  return text;
}

std::string to_json(const std::vector<Diagnostic>& diagnostics) {
  Json list = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(as_json(diagnostic));
  // Names from a plug-in may be any bytes.
  return Json{{"diagnostics", std::move(list)}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kiln::rules
