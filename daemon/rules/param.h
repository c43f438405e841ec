// Params: the typed inputs of a rule, and of everything below it.
//
// What:    a node of the memo is a rule and the params that its subtree consumes. The inputs of a
//          `get` join the params that the asking rule has, a new one in place of an old one of the
//          same type.
// Threads: immutable.
#pragma once

#include <absl/container/inlined_vector.h>

#include <span>
#include <utility>

#include "common/types/hash.h"
#include "daemon/graph/value.h"
#include "daemon/rules/values/type.h"

namespace kiln::rules {

struct Param {
  TypeId type = nullptr;
  graph::ValueRef value;
  Hash128 hash;  // of the value's canonical encoding

  friend bool operator==(const Param& a, const Param& b) {
    return a.type == b.type && a.hash == b.hash;
  }
};
// Nodes that have the same param count it each.
inline size_t footprint(const Param& param) { return param.value->bytes(); }

template <EngineValue T>
Param make_param(T value) {
  Encoder out;
  encode_value(out, value);
  const Hash128 hash = out.hash();
  return {type_of<T>(), graph::make_value(std::move(value)), hash};
}

// Sorted by type name, each type once.
using Params = absl::InlinedVector<Param, 2>;

}  // namespace kiln::rules
