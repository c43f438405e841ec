// A rule graph as a drawing for graphviz, and as data.
#include <absl/container/flat_hash_map.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "daemon/rules/compiler/bound_want.h"
#include "daemon/rules/describe.h"
#include "daemon/rules/nearest.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

// What of the graph is drawn. An entry's place is its number.
struct View {
  std::vector<const Root*> roots;
  std::vector<const Entry*> entries;
  absl::flat_hash_map<const Entry*, size_t> numbers;

  void add(const Entry* entry) {
    if (entry != nullptr && numbers.emplace(entry, entries.size()).second) {
      entries.push_back(entry);
    }
  }
};

View view_of(std::vector<const Root*> roots) {
  View view{std::move(roots), {}, {}};
  for (const Root* root : view.roots) view.add(root->supply.entry);
  for (size_t i = 0; i < view.entries.size(); ++i) {
    for (const BoundWant& want : wants_of(*view.entries[i])) view.add(want.supply->entry);
  }
  return view;
}

// "kiln::shell::lint_one" is drawn as "lint_one".
std::string_view short_name(std::string_view name) {
  const size_t colon = name.rfind("::");
  return colon == std::string_view::npos ? name : name.substr(colon + 2);
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

class Dot {
 public:
  explicit Dot(const View& view) : view_(view) {}

  std::string draw() && {
    text_ =
        "digraph rules {\n"
        "  rankdir=LR; ranksep=0.7; nodesep=0.2; bgcolor=white; fontname=\"Helvetica\" fontsize=9\n"
        "  fontcolor=\"#6b7280\" label=\"green: goals. blue: queries. yellow: built in. "
        "solid: takes; dashed: asks for, giving what is written there. grey: params in scope.\";\n"
        "  node [shape=box style=\"rounded,filled\" fillcolor=white color=\"#6b7280\" "
        "fontname=\"Helvetica\" fontsize=11 margin=\"0.12,0.06\"];\n"
        "  edge [color=\"#6b7280\" arrowsize=0.6 fontname=\"Helvetica\" fontsize=9 "
        "fontcolor=\"#1d4ed8\"];\n";
    for (size_t i = 0; i < view_.entries.size(); ++i) draw_entry(i);
    for (size_t i = 0; i < view_.roots.size(); ++i) draw_root(i);
    for (size_t i = 0; i < view_.entries.size(); ++i) draw_wants(i);
    return std::move(text_) + "}\n";
  }

 private:
  void draw_entry(size_t i) {
    const Entry& entry = *view_.entries[i];
    const RuleInfo& info = entry.rule.info;
    std::string label =
        "<b>" + escaped(info.product == nullptr ? info.name : info.product->name) + "</b>";
    if (info.product != nullptr) label += "<br/>" + escaped(short_name(info.name));
    const char* look = "";
    if (info.kind == RuleKind::kIntrinsic) look = " fillcolor=\"#fef3c7\"";
    if (info.kind == RuleKind::kGoal) look = " fillcolor=\"#bbf7d0\" penwidth=1.6";
    line(node(i) + " [label=<" + label + ">" + look +
         (info.uncacheable ? " style=\"rounded,filled,dashed\"" : "") + " tooltip=\"" +
         escaped(to_string(entry) + " " + to_string(info.where)) + "\"];");
  }

  // A goal's entry stands for itself.
  void draw_root(size_t i) {
    const Root& root = *view_.roots[i];
    if (root.query == nullptr) return;
    const std::string name = "q" + std::to_string(i);
    line(name + " [label=<query<br/><b>" + escaped(root.name) +
         "</b>> fillcolor=\"#dbeafe\" penwidth=1.6];");
    if (root.supply.entry != nullptr) {
      line(name + " -> " + node(view_.numbers.at(root.supply.entry)) + " [penwidth=1.6];");
    } else {
      draw_param(name, root.query->get.product);
    }
  }

  // An arrow for each answer: solid for what the rule takes, dashed for what it asks for, with what
  // it gives.
  void draw_wants(size_t i) {
    std::map<size_t, std::set<std::string>> asked;
    for (const BoundWant& want : wants_of(*view_.entries[i])) {
      const Entry* answer = want.supply->entry;
      if (answer == nullptr) {
        if (!want.is_get) draw_param(node(i), want.product);
      } else if (!want.is_get) {
        line(node(i) + " -> " + node(view_.numbers.at(answer)) + ";");
      } else {
        asked[view_.numbers.at(answer)].insert(type_names(want.inputs));
      }
    }
    for (const auto& [answer, inputs] : asked) {
      std::string label;
      for (const std::string& given : inputs) {
        label += (label.empty() || given.empty() ? "" : "<br/>") + escaped(given);
      }
      line(node(i) + " -> " + node(answer) + " [style=dashed" +
           (label.empty() ? "" : " label=<" + label + ">") + "];");
    }
  }

  // Small, and one for each rule that takes it: shared ones would tie everything together.
  void draw_param(const std::string& taker, TypeId type) {
    const std::string name = "p" + std::to_string(params_++);
    line(name + " [label=<" + escaped(type->name) +
         "> shape=ellipse fontsize=9 margin=\"0.04,0.02\" height=0.2 color=\"#d1d5db\" "
         "fillcolor=\"#f3f4f6\" fontcolor=\"#4b5563\"];");
    line(taker + " -> " + name + " [color=\"#d1d5db\" arrowhead=none];");
  }

  static std::string node(size_t entry) { return "e" + std::to_string(entry); }
  void line(const std::string& line) { text_ += "  " + line + "\n"; }

  const View& view_;
  std::string text_;
  size_t params_ = 0;
};

Json names_of(const std::vector<TypeId>& types) {
  Json names = Json::array();
  for (const TypeId type : types) names.push_back(type->name);
  return names;
}

Json answer_of(const View& view, const Supply& supply) {
  return supply.entry == nullptr ? Json() : Json(view.numbers.at(supply.entry));
}

std::string as_json(const View& view) {
  Json roots = Json::array();
  for (const Root* root : view.roots) {
    roots.push_back({{"name", root->name},
                     {"kind", root->query == nullptr ? "goal" : "query"},
                     {"scope", names_of(root->scope)},
                     {"answer", answer_of(view, root->supply)}});
  }
  Json entries = Json::array();
  for (const Entry* entry : view.entries) {
    const RuleInfo& info = entry->rule.info;
    Json wants = Json::array();
    for (const BoundWant& want : wants_of(*entry)) {
      wants.push_back({{"kind", want.is_get ? "get" : "parameter"},
                       {"product", want.product->name},
                       {"inputs", names_of(want.inputs)},
                       {"union", want.base == nullptr ? Json() : Json(want.base->name)},
                       {"answer", answer_of(view, *want.supply)}});
    }
    entries.push_back({{"id", entries.size()},
                       {"rule", info.name},
                       {"product", info.product == nullptr ? Json() : Json(info.product->name)},
                       {"params", names_of(entry->params)},
                       {"wants", std::move(wants)}});
  }
  return Json{{"roots", std::move(roots)}, {"entries", std::move(entries)}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace

Result<std::string> draw_rules(const RuleGraph& graph, std::optional<std::string_view> goal,
                               DrawAs form) {
  std::vector<const Root*> roots;
  if (goal) {
    const Root* root = graph.find_goal(*goal);
    if (root == nullptr) {
      std::vector<std::string_view> names;
      for (const Root& other : graph.goals()) names.push_back(other.name);
      return user_error(ErrorCode::kNotFound,
                        "no goal " + std::string(*goal) + suggestion(*goal, names));
    }
    roots.push_back(root);
  } else {
    for (const Root& root : graph.goals()) roots.push_back(&root);
    for (const Root& root : graph.queries()) roots.push_back(&root);
  }
  const View view = view_of(std::move(roots));
  return form == DrawAs::kDot ? Dot(view).draw() : as_json(view);
}

}  // namespace kiln::rules
