#include "tests/fuzz/graph/programs.h"

#include <set>

namespace kiln::graph::fuzz {

namespace {

int pick(std::mt19937_64& random, int n) {
  return static_cast<int>(random() % static_cast<uint64_t>(n));
}

class Evaluator {
 public:
  Evaluator(const World& world, const Plans& plans) : world_(world), plans_(plans) {}

  Expected expected(int node) {
    Expected expected{evaluate(node)};
    if (!expected.value) explain(node, expected);
    return expected;
  }

 private:
  // Nothing: it fails, or waits for itself.
  std::optional<int> evaluate(int node) {
    if (node < kLeaves) {
      const int value = world_.leaf(node);
      return value < 0 ? std::nullopt : std::optional(value);
    }
    if (const auto found = known_.find(node); found != known_.end()) return found->second;
    if (!open_.insert(node).second) return std::nullopt;
    const std::optional<int> value = run(node);
    open_.erase(node);
    return known_[node] = value;
  }

  std::optional<int> run(int node) {
    const Plan& plan = plans_[static_cast<size_t>(node)];
    int sum = node;
    for (const Step& step : plan.steps) {
      std::vector<int> failed;
      int part = 0;
      for (const int next : step.asked(sum)) {
        const std::optional<int> value = evaluate(next);
        if (!value) failed.push_back(next);
        part = part * 3 + value.value_or(0);
      }
      if (!failed.empty() && !plan.tolerant) {
        failed_by_[node] = std::move(failed);
        return std::nullopt;
      }
      sum = sum * 3 + (failed.empty() ? part : 7);
    }
    return sum % 4;
  }

  // Why `node` has no value: what it failed by, and what that failed by, comes to leaves that fail,
  // or back to where it was.
  void explain(int node, Expected& expected) {
    if (node < kLeaves) {
      expected.fails = true;
      return;
    }
    if (open_.contains(node)) expected.waits_for_itself = true;
    if (!explained_.insert(node).second) return;
    open_.insert(node);
    for (const int next : failed_by_[node]) explain(next, expected);
    open_.erase(node);
  }

  const World& world_;
  const Plans& plans_;
  std::map<int, std::optional<int>> known_;
  std::set<int> open_;  // on the way down to where it is
  std::map<int, std::vector<int>> failed_by_;
  std::set<int> explained_;
};

}  // namespace

std::vector<int> Step::asked(int sum) const {
  if (kind != kEither) return nodes;
  return {nodes[sum % 2 == 0 ? 0 : 1]};
}

Plans random_plans(std::mt19937_64& random, bool cycles) {
  Plans plans(kNodes);
  for (int node = kLeaves; node < kNodes; ++node) {
    Plan& plan = plans[static_cast<size_t>(node)];
    plan.tolerant = pick(random, 6) == 0 && !cycles;
    const int steps = 1 + pick(random, 3);
    for (int i = 0; i < steps; ++i) {
      Step step;
      step.kind = static_cast<Step::Kind>(pick(random, 3));
      const int asked = step.kind == Step::kOne      ? 1
                        : step.kind == Step::kEither ? 2
                                                     : 1 + pick(random, 4);
      for (int k = 0; k < asked; ++k) {
        const bool anywhere = cycles && pick(random, 12) == 0;
        step.nodes.push_back(pick(random, anywhere ? kNodes : node));
      }
      plan.steps.push_back(std::move(step));
    }
  }
  return plans;
}

std::string Expected::text() const {
  if (value) return std::to_string(*value);
  if (fails && waits_for_itself) return "an error of a leaf or of a cycle";
  return fails ? "an error of a leaf" : "an error of a cycle";
}

Expected World::expected(const Plans& plans, int node) const {
  return Evaluator(*this, plans).expected(node);
}

}  // namespace kiln::graph::fuzz
