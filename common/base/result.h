// Result<T>: a T or the Error that came instead. Every fallible function of kiln returns one; no
// exception crosses a module.
//
//   Result<Digest> read() {
//     KILN_ASSIGN(std::string bytes, read_file(path));   // returns the error, if any
//     KILN_TRY(check(bytes));
//     return digest_of(bytes);
//   }
//
// Coroutines use KILN_CO_ASSIGN and KILN_CO_TRY, which differ only in `co_return`.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/base/check.h"
#include "common/base/error.h"

namespace kiln {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error>)
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): constrained above
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const Error& error() const {
    KILN_CHECK(!ok(), "error() of a Result that holds a value");
    return *std::get_if<1>(&state_);
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T& value() & {
    KILN_CHECK(ok(), "value() of a Result that holds an error");
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    KILN_CHECK(ok(), "value() of a Result that holds an error");
    return *std::get_if<0>(&state_);
  }
  T&& value() && { return std::move(value()); }

  // The same result, its error (if any) seen from one frame further out.
  Result with_context(std::string frame) && {
    if (ok()) return std::move(*this);
    return error().with_context(std::move(frame));
  }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    KILN_CHECK(error_.has_value(), "error() of a Result that holds no error");
    return *error_;
  }
  Result with_context(std::string frame) && {
    if (ok()) return {};
    return error().with_context(std::move(frame));
  }

 private:
  std::optional<Error> error_;
};

}  // namespace kiln

#define KILN_CONCAT_(a, b) a##b
#define KILN_CONCAT(a, b) KILN_CONCAT_(a, b)

#define KILN_ASSIGN_(tmp, declaration, expression, ret) \
  auto tmp = (expression);                              \
  if (!tmp.ok()) [[unlikely]]                           \
    ret tmp.error();                                    \
  declaration = *std::move(tmp)

#define KILN_TRY_(tmp, expression, ret)                  \
  do {                                                   \
    if (auto tmp = (expression); !tmp.ok()) [[unlikely]] \
      ret tmp.error();                                   \
  } while (false)

#define KILN_ASSIGN(declaration, ...) \
  KILN_ASSIGN_(KILN_CONCAT(kiln_result_, __COUNTER__), declaration, (__VA_ARGS__), return)
#define KILN_TRY(...) KILN_TRY_(KILN_CONCAT(kiln_result_, __COUNTER__), (__VA_ARGS__), return)
#define KILN_CO_ASSIGN(declaration, ...) \
  KILN_ASSIGN_(KILN_CONCAT(kiln_result_, __COUNTER__), declaration, (__VA_ARGS__), co_return)
#define KILN_CO_TRY(...) KILN_TRY_(KILN_CONCAT(kiln_result_, __COUNTER__), (__VA_ARGS__), co_return)
