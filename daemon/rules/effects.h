// The side effects that a goal rule may take as parameters.
// Threads: single-owner: one goal, on one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/rules/values/type.h"

namespace kiln::rules {

// The side effects of one run of a goal, by type.
class EffectSet {
 public:
  // `effect` outlives the set.
  template <SideEffect T>
  void add(T& effect) {
    effects_.emplace_back(type_of<T>(), &effect);
  }
  void* find(TypeId type) const {
    for (const auto& [known, effect] : effects_) {
      if (known == type) return effect;
    }
    return nullptr;
  }

 private:
  std::vector<std::pair<TypeId, void*>> effects_;
};

// What a goal says: to the client's stdout and stderr. It is held back until the goal's answers are
// known to be of one state, and thrown away if the goal begins anew.
class Console {
 public:
  static constexpr std::string_view kTypeName = "Console";
  static constexpr bool kSideEffect = true;

  // As they are; lines end in \n.
  void print(std::string_view text) { out_ += text; }
  void print_error(std::string_view text) { err_ += text; }

  struct Text {
    std::string out;
    std::string err;
  };
  Text take() { return {std::exchange(out_, {}), std::exchange(err_, {})}; }

 private:
  std::string out_;
  std::string err_;
};

}  // namespace kiln::rules
