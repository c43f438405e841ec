// Values of the graph: immutable, type-erased, reference-counted in place.
//
// What:    `Value` is what a node computes and what a key is made of. `Boxed<T>` holds any T with
//          `==`. `ValueRef` is one pointer wide; copying it is one atomic increment.
// Threads: immutable after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

#include "common/base/check.h"
#include "common/types/heap_bytes.h"

namespace kiln::graph {

class Value {
 public:
  Value() = default;
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  virtual ~Value() = default;

  // Equal values are interchangeable: early cut-off compares with this. `other` may be of another
  // dynamic type; that is not equal.
  virtual bool equals(const Value& other) const = 0;
  // Approximate heap footprint in bytes, for the memory cap. Constant over the value's life.
  virtual size_t bytes() const = 0;

 private:
  friend class ValueRef;
  mutable std::atomic<uint32_t> references_{1};  // the maker's
};

class ValueRef {
 public:
  ValueRef() = default;
  // Of a new value, whose only owner this becomes.
  explicit ValueRef(std::unique_ptr<const Value> value) : value_(value.release()) {}
  ValueRef(const ValueRef& other) : value_(other.value_) { acquire(); }
  ValueRef(ValueRef&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  ValueRef& operator=(ValueRef other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~ValueRef() {
    // Whoever sees one reference has it: nobody can make another.
    if (value_ != nullptr && (value_->references_.load(std::memory_order_acquire) == 1 ||
                              value_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
      delete value_;
    }
  }

  explicit operator bool() const { return value_ != nullptr; }
  const Value& operator*() const { return *value_; }
  const Value* operator->() const { return value_; }
  const Value* get() const { return value_; }

 private:
  void acquire() const {
    if (value_ != nullptr) value_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  const Value* value_ = nullptr;
};

// A T in the graph.
template <class T>
class Boxed final : public Value {
 public:
  explicit Boxed(T value) : value_(std::move(value)) {}
  // Null if `value` is of another type.
  static const Boxed* of(const Value& value) {
    return typeid(value) == typeid(Boxed) ? static_cast<const Boxed*>(&value) : nullptr;
  }
  const T& get() const { return value_; }

  bool equals(const Value& other) const override {
    const Boxed* same = of(other);
    return same != nullptr && same->value_ == value_;
  }
  size_t bytes() const override { return sizeof(*this) + heap_bytes(value_); }

 private:
  const T value_;
};

template <class T>
ValueRef make_value(T value) {
  return ValueRef(std::make_unique<const Boxed<T>>(std::move(value)));
}

// The T inside; CHECKs that it is one.
template <class T>
const T& value_as(const Value& value) {
  const Boxed<T>* boxed = Boxed<T>::of(value);
  KILN_CHECK(boxed != nullptr, "a graph value is of another type than its reader expects");
  return boxed->get();
}
template <class T>
const T& value_as(const ValueRef& value) {
  return value_as<T>(*value);
}

}  // namespace kiln::graph
