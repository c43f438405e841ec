// A set of SHA-256 hashes that never grows: remembers what was verified since the start.
//
// What:    keeps 63 bits of a hash, in one of the eight places of its bucket; where all are taken
//          another goes. Two hashes of equal 63 bits are taken for one another. So an answer may
//          save a check, or have it made once more, but never decides what exists.
// Threads: thread-safe, without locks. What two threads do to one bucket at once may be forgotten.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "common/types/digest.h"

namespace kiln::store {

class DigestSet {
 public:
  // Holds up to `most` hashes (a power of two, 8 at least), in 8 bytes each; memory that was never
  // written costs none.
  explicit DigestSet(size_t most) : mask_(most / kWays - 1), places_(make(most)) {}

  bool contains(const Sha256& hash) const {
    const uint64_t wanted = bits(hash);
    for (uint64_t& place : bucket(hash)) {
      if (std::atomic_ref(place).load(std::memory_order_relaxed) == wanted) return true;
    }
    return false;
  }
  void insert(const Sha256& hash) {
    const uint64_t added = bits(hash);
    const std::span<uint64_t> places = bucket(hash);
    uint64_t* free = &places[hash[1] % kWays];
    for (uint64_t& place : places) {
      const uint64_t there = std::atomic_ref(place).load(std::memory_order_relaxed);
      if (there == added) return;
      if (there == 0) free = &place;
    }
    std::atomic_ref(*free).store(added, std::memory_order_relaxed);
  }
  void erase(const Sha256& hash) {
    for (uint64_t& place : bucket(hash)) {
      uint64_t there = bits(hash);
      std::atomic_ref(place).compare_exchange_strong(there, 0, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr size_t kWays = 8;
  struct Free {
    void operator()(uint64_t* places) const { std::free(places); }
  };
  using Places = std::unique_ptr<uint64_t[], Free>;

  // From calloc(), which gives pages that are touched when they are used.
  static Places make(size_t most) {
    auto* const places = static_cast<uint64_t*>(std::calloc(most, sizeof(uint64_t)));
    if (places == nullptr) throw std::bad_alloc();
    return Places(places);
  }
  static uint64_t word(const Sha256& hash, size_t at) {
    uint64_t value;
    std::memcpy(&value, hash.data() + at, sizeof value);
    return value;
  }
  // Zero is a free place: a hash of such bits is taken for its neighbour.
  static uint64_t bits(const Sha256& hash) { return word(hash, 8) | 1; }
  std::span<uint64_t> bucket(const Sha256& hash) const {
    return {&places_[(word(hash, 16) & mask_) * kWays], kWays};
  }

  const size_t mask_;
  const Places places_;
};

}  // namespace kiln::store
