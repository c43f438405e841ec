// BareMemo: the floor of the memo's first run. What a coroutine, a node and its two dependencies
// cost when there is nothing else: one thread, no locks, no types, no values but integers, no
// errors, no cancellation, no cycles, and nothing ever changes.
//
// What is left is what is dear: a hash table, nodes in a slab, coroutine frames from a pool, and a
// stack of the coroutines that are ready.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <vector>

#include "common/types/hash.h"
#include "daemon/async/frame_pool.h"

namespace kiln::graph {

class BareMemo {
 public:
  explicit BareMemo(size_t nodes) { nodes_.reserve(nodes + 1); }

  // fib(n), modulo 1000; all of the chain are suspended at once.
  int fib(int n) {
    const uint32_t root = node_of(n);
    compute(*this, root, n);
    while (!ready_.empty()) {
      const std::coroutine_handle<> next = ready_.back();
      ready_.pop_back();
      next.resume();
    }
    return nodes_[root].value;
  }

 private:
  struct Node {
    std::coroutine_handle<> waiter;  // one is enough for a chain
    uint32_t deps[2] = {0, 0};
    uint32_t generation = 0;
    int value = 0;
  };
  struct Run {
    struct promise_type {
      static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
      static void operator delete(void* frame, size_t bytes) noexcept {
        frame_pool::deallocate(frame, bytes);
      }
      promise_type(BareMemo& memo, uint32_t, int) {
        memo.ready_.push_back(std::coroutine_handle<promise_type>::from_promise(*this));
      }
      Run get_return_object() noexcept { return {}; }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() noexcept {}
      [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
  };
  struct Get {
    BareMemo& memo;
    uint32_t asker;
    int slot;
    int n;
    uint32_t node = 0;
    bool await_ready() {
      node = memo.node_of(n);
      memo.nodes_[asker].deps[slot] = node;
      return memo.nodes_[node].generation != 0;
    }
    void await_suspend(std::coroutine_handle<> waiter) {
      memo.nodes_[node].waiter = waiter;
      compute(memo, node, n);
    }
    int await_resume() const { return memo.nodes_[node].value; }
  };

  static Hash128 hash_of(int n) {
    return xxh3_128(std::string_view(reinterpret_cast<const char*>(&n), sizeof n));
  }
  uint32_t node_of(int n) {
    const auto [found, made] = index_.try_emplace(hash_of(n), static_cast<uint32_t>(nodes_.size()));
    if (made) nodes_.emplace_back();
    return found->second;
  }
  static Run compute(BareMemo& memo, uint32_t node, int n) {
    int value = 1;
    if (n >= 2) {
      const int first = co_await Get{memo, node, 0, n - 1};
      const int second = co_await Get{memo, node, 1, n - 2};
      value = (first + second) % 1000;
    }
    memo.nodes_[node].value = value;
    memo.nodes_[node].generation = 1;
    if (memo.nodes_[node].waiter) memo.ready_.push_back(memo.nodes_[node].waiter);
  }

  absl::flat_hash_map<Hash128, uint32_t, std::hash<Hash128>> index_;
  std::vector<Node> nodes_;
  std::vector<std::coroutine_handle<>> ready_;
};

}  // namespace kiln::graph
