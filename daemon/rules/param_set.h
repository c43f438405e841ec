// ParamSet: a set of param types, as bits: the compiler's scopes, and what rules consume of them.
// Threads: single-owner.
#pragma once

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kiln::rules {

// The number of a type that may be a param.
using ParamId = uint32_t;

class ParamSet {
 public:
  bool contains(ParamId id) const {
    return id / 64 < words_.size() && (words_[id / 64] >> (id % 64) & 1) != 0;
  }
  bool contains_all(const ParamSet& other) const {
    if (other.words_.size() > words_.size()) return false;
    for (size_t i = 0; i < other.words_.size(); ++i) {
      if ((other.words_[i] & ~words_[i]) != 0) return false;
    }
    return true;
  }
  bool empty() const { return words_.empty(); }
  size_t size() const {
    size_t size = 0;
    for (const uint64_t word : words_) size += static_cast<size_t>(std::popcount(word));
    return size;
  }

  // True if it was not there.
  bool add(ParamId id) {
    if (words_.size() <= id / 64) words_.resize(id / 64 + 1, 0);
    const uint64_t before = words_[id / 64];
    words_[id / 64] |= uint64_t{1} << (id % 64);
    return words_[id / 64] != before;
  }
  // True if it grew.
  bool add_all(const ParamSet& other) {
    if (words_.size() < other.words_.size()) words_.resize(other.words_.size(), 0);
    bool grew = false;
    for (size_t i = 0; i < other.words_.size(); ++i) {
      grew |= (other.words_[i] & ~words_[i]) != 0;
      words_[i] |= other.words_[i];
    }
    return grew;
  }
  // The same for the members of `other` that are not in `without`.
  bool add_all_but(const ParamSet& other, const ParamSet& without) {
    if (without.empty()) return add_all(other);
    return add_all(other.minus(without));
  }

  ParamSet minus(const ParamSet& other) const {
    ParamSet rest = *this;
    for (size_t i = 0; i < std::min(words_.size(), other.words_.size()); ++i) {
      rest.words_[i] &= ~other.words_[i];
    }
    rest.trim();
    return rest;
  }
  ParamSet intersect(const ParamSet& other) const {
    ParamSet both;
    both.words_.resize(std::min(words_.size(), other.words_.size()));
    for (size_t i = 0; i < both.words_.size(); ++i) both.words_[i] = words_[i] & other.words_[i];
    both.trim();
    return both;
  }
  ParamSet unite(const ParamSet& other) const {
    ParamSet all = *this;
    all.add_all(other);
    return all;
  }

  // In ascending order.
  template <class F>
  void for_each(F f) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
        f(static_cast<ParamId>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
      }
    }
  }

  friend bool operator==(const ParamSet&, const ParamSet&) = default;
  template <class H>
  friend H AbslHashValue(H state, const ParamSet& set) {
    return H::combine(std::move(state), set.words_);
  }

 private:
  // No word at the end is 0, so that equal sets are equal words.
  void trim() {
    while (!words_.empty() && words_.back() == 0) words_.pop_back();
  }

  absl::InlinedVector<uint64_t, 4> words_;
};

}  // namespace kiln::rules
