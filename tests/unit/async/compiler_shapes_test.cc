// Shapes of co_await expressions that compilers have miscompiled. g++ 12 destroys the temporary
// aggregate of `co_await f(In{...})` twice; run under AddressSanitizer, every shape below must
// neither leak nor free twice. Counting instances catches it without a sanitizer too.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/async/sync_wait.h"
#include "daemon/async/when_all.h"

namespace kiln {
namespace {

struct Counted {
  static inline int live = 0;
  Counted() { ++live; }
  Counted(const Counted&) { ++live; }
  Counted(Counted&&) noexcept { ++live; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --live; }
};

struct In {
  std::string name;
  std::vector<std::string> args;
  std::shared_ptr<int> shared;
  Counted counted;
};
struct Out {
  std::string text;
  Counted counted;
};
struct Two {
  Out a;
  Out b;
};

std::string long_text() { return "a string that is long enough to live on the heap"; }

Task<Out> by_value(In in) {
  co_return Out{.text = in.name + std::to_string(in.args.size()), .counted = {}};
}
Task<Out> by_reference(const In& in) { co_return Out{.text = in.name, .counted = {}}; }

Task<size_t> all_shapes(bool flag) {
  size_t total = 0;
  total += (co_await by_value(
                In{.name = long_text(), .args = {long_text()}, .shared = {}, .counted = {}}))
               .text.size();
  total +=
      (co_await by_reference(
           In{.name = long_text(), .args = {}, .shared = std::make_shared<int>(1), .counted = {}}))
          .text.size();
  total += (co_await by_value({.name = long_text(), .args = {}, .shared = {}, .counted = {}}))
               .text.size();
  auto [x, y] = co_await when_all(
      by_value(In{.name = long_text(), .args = {"x", long_text()}, .shared = {}, .counted = {}}),
      by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}}));
  total += x.text.size() + y.text.size();
  const Out chosen =
      flag ? co_await by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}})
           : co_await by_value(In{.name = "short", .args = {}, .shared = {}, .counted = {}});
  total += chosen.text.size();
  const Two two{
      .a = co_await by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}}),
      .b = co_await by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}})};
  total += two.a.text.size() + two.b.text.size();
  const std::vector<Out> braced{
      co_await by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}}),
      co_await by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}})};
  total += braced.size();
  total += (co_await [](std::string text) -> Task<Out> {
             co_return Out{.text = text, .counted = {}};
           }(long_text()))
               .text.size();
  std::vector<Task<Out>> many;
  for (int i = 0; i < 3; ++i)
    many.push_back(by_value(In{.name = long_text(), .args = {}, .shared = {}, .counted = {}}));
  for (const Out& out : co_await when_all(std::move(many))) total += out.text.size();
  co_return total;
}

TEST(CompilerShapes, TemporariesLiveAndDieOnce) {
  ThreadPool pool("test", 1);
  const int before = Counted::live;
  const size_t n = long_text().size();
  EXPECT_EQ(sync_wait(pool, all_shapes(true)), 12 * n + 10 + 2);
  EXPECT_EQ(sync_wait(pool, all_shapes(false)), 11 * n + 9 + 2 + 6);
  EXPECT_EQ(Counted::live, before);
}

Task<int> leaf(int n) { co_return n; }

Task<long> long_loop(int rounds) {
  long sum = 0;
  for (int i = 0; i < rounds; ++i) sum += co_await leaf(i);
  co_return sum;
}

TEST(CompilerShapes, ALongLoopOfAwaitsKeepsTheStackFlat) {
  ThreadPool pool("test", 1);
  EXPECT_EQ(sync_wait(pool, long_loop(1000)), 499500);
#ifdef __OPTIMIZE__
  // Symmetric transfer is a tail call in optimised code (also under sanitizers with clang).
  EXPECT_EQ(sync_wait(pool, long_loop(1'000'000)), 499999500000L);
#endif
}

}  // namespace
}  // namespace kiln
