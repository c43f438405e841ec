// The examples that introduce rules to their authors, as they are written for kiln.
// Source: the rules-concepts page of Pants.
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// --- int -> str ---

Rule<std::string> int_to_str(const int& number) { co_return std::to_string(number); }

using SeedsTest = RuntimeTest;

TEST_F(SeedsTest, ARuleMapsAnIntToAString) {
  set.add<&int_to_str>();
  set.query<std::string(int)>();
  EXPECT_EQ(*ask<std::string>(26), "26");
  EXPECT_THAT(record.take(), ElementsAre("int_to_str(int(26))"));
  EXPECT_EQ(*ask<std::string>(26), "26");
  EXPECT_THAT(record.take(), IsEmpty());
}

// --- Fibonacci ---

struct Fibonacci {
  static constexpr std::string_view kTypeName = "Fibonacci";
  int64_t value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Fibonacci&, const Fibonacci&) = default;
};

Rule<Fibonacci, Gets<Fibonacci(int)>> one_after_the_other(const int& n) {
  if (n < 2) co_return Fibonacci{n};
  const auto& x = co_await get<Fibonacci>(n - 2);
  const auto& y = co_await get<Fibonacci>(n - 1);
  co_return Fibonacci{x.value + y.value};
}

Rule<Fibonacci, Gets<Fibonacci(int)>> both_at_once(const int& n) {
  if (n < 2) co_return Fibonacci{n};
  const auto& [x, y] = co_await all(get<Fibonacci>(n - 2), get<Fibonacci>(n - 1));
  co_return Fibonacci{x.value + y.value};
}

struct Answer {
  static constexpr std::string_view kTypeName = "Answer";
  int64_t value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Answer&, const Answer&) = default;
};

Rule<Answer, Gets<Fibonacci(int)>> call_fibonacci() {
  const auto& fibonacci = co_await get<Fibonacci>(10);
  co_return Answer{fibonacci.value};
}

class FibonacciTest : public RuntimeTest {
 protected:
  void each_number_is_computed_once(const std::string& rule) {
    set.query<Fibonacci(int)>();
    EXPECT_EQ(ask<Fibonacci>(80)->value, 23416728348467685);
    std::vector<std::string> expected;
    for (int n = 0; n <= 80; ++n) expected.push_back(rule + "(int(" + std::to_string(n) + "))");
    EXPECT_THAT(record.take(), testing::UnorderedElementsAreArray(expected));
    // What was computed on the way is known as well.
    EXPECT_EQ(ask<Fibonacci>(40)->value, 102334155);
    EXPECT_THAT(record.take(), IsEmpty());
  }
};

TEST_F(FibonacciTest, ComputesEachNumberOnceOneAfterTheOther) {
  set.add<&one_after_the_other>();
  each_number_is_computed_once("one_after_the_other");
}

TEST_F(FibonacciTest, ComputesEachNumberOnceBothAtOnce) {
  set.add<&both_at_once>();
  each_number_is_computed_once("both_at_once");
}

TEST_F(FibonacciTest, IsCalledByARuleThatTakesNothing) {
  set.add<&both_at_once>();
  set.add<&call_fibonacci>();
  set.query<Answer()>();
  EXPECT_EQ(ask<Answer>()->value, 55);
}

// --- the list goal: Console and Addresses, which follow from Specs ---

struct Specs {
  static constexpr std::string_view kTypeName = "Specs";
  std::vector<std::string> specs;
  static void fields(auto& self, auto&& field) { field("specs", self.specs); }
  friend bool operator==(const Specs&, const Specs&) = default;
};
struct Addresses {
  static constexpr std::string_view kTypeName = "Addresses";
  std::vector<std::string> addresses;
  static void fields(auto& self, auto&& field) { field("addresses", self.addresses); }
  friend bool operator==(const Addresses&, const Addresses&) = default;
};

Rule<Addresses> resolve(const Specs& specs) {
  Addresses found;
  for (const std::string& spec : specs.specs) found.addresses.push_back("//" + spec);
  co_return found;
}

GoalRule<> list(Console& console, const Addresses& addresses) {
  if (addresses.addresses.empty()) {
    console.print_error("nothing matches\n");
    co_return 3;
  }
  for (const std::string& address : addresses.addresses) console.print(address + "\n");
  co_return 0;
}

class ListTest : public RuntimeTest {
 protected:
  void SetUp() override {
    set.root<Specs>();
    set.add<&resolve>();
    set.goal<&list>("list", "Lists what specs match.");
  }
};

TEST_F(ListTest, AGoalIsGivenWhatFollowsFromWhatItsCallerSaid) {
  give(Specs{{"a", "b"}});
  EXPECT_EQ(*goal("list"), 0);
  ASSERT_EQ(printed.size(), 1);
  EXPECT_EQ(printed[0].out, "//a\n//b\n");
  EXPECT_EQ(printed[0].err, "");
}

TEST_F(ListTest, AGoalRunsEachTimeAndWhatItReadIsRemembered) {
  give(Specs{{"a"}});
  EXPECT_EQ(*goal("list"), 0);
  EXPECT_THAT(record.take(), ElementsAre("resolve(Specs{specs: [\"a\"]})"));
  EXPECT_EQ(*goal("list"), 0);
  EXPECT_THAT(record.take(), IsEmpty());
  EXPECT_EQ(printed.size(), 2);
}

TEST_F(ListTest, AGoalReturnsItsExitCode) {
  give(Specs{});
  EXPECT_EQ(*goal("list"), 3);
  ASSERT_EQ(printed.size(), 1);
  EXPECT_EQ(printed[0].out, "");
  EXPECT_EQ(printed[0].err, "nothing matches\n");
}

// --- a linter ---

struct Sources {
  static constexpr std::string_view kTypeName = "Sources";
  std::vector<std::string> files;
  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const Sources&, const Sources&) = default;
};
struct Process {
  static constexpr std::string_view kTypeName = "Process";
  std::vector<std::string> argv;
  static void fields(auto& self, auto&& field) { field("argv", self.argv); }
  friend bool operator==(const Process&, const Process&) = default;
};
struct ProcessResult {
  static constexpr std::string_view kTypeName = "ProcessResult";
  int exit_code = 0;
  std::string stdout_text;
  static void fields(auto& self, auto&& field) {
    field("exit_code", self.exit_code);
    field("stdout", self.stdout_text);
  }
  friend bool operator==(const ProcessResult&, const ProcessResult&) = default;
};
struct Shellcheck {
  static constexpr std::string_view kTypeName = "Shellcheck";
  static constexpr std::string_view kScope = "shellcheck";
  std::vector<std::string> args;
  static void fields(auto& self, auto&& field) { field("args", self.args); }
  friend bool operator==(const Shellcheck&, const Shellcheck&) = default;
};
struct LintResult {
  static constexpr std::string_view kTypeName = "LintResult";
  std::vector<std::string> findings;
  static void fields(auto& self, auto&& field) { field("findings", self.findings); }
  friend bool operator==(const LintResult&, const LintResult&) = default;
};

Task<Result<ProcessResult>> pretend_to_run(graph::Context&, const Process& process) {
  std::string line;
  for (const std::string& argument : process.argv) line += " " + argument;
  co_return ProcessResult{line.ends_with("bad.sh") ? 1 : 0, "ran" + line};
}

Rule<LintResult, Gets<ProcessResult(Process)>> run_shellcheck(const Sources& sources,
                                                              const Shellcheck& shellcheck) {
  std::vector<Get<ProcessResult, Process>> processes;
  for (const std::string& file : sources.files) {
    Process process{{"shellcheck"}};
    process.argv.insert(process.argv.end(), shellcheck.args.begin(), shellcheck.args.end());
    process.argv.push_back(file);
    processes.push_back(get<ProcessResult>(std::move(process)));
  }
  LintResult result;
  for (const ProcessResult& process : co_await all(std::move(processes))) {
    if (process.exit_code != 0) result.findings.push_back(process.stdout_text);
  }
  co_return result;
}

TEST_F(SeedsTest, ALinterRunsAProcessForEachFileAndOnlyForThoseItHasNotSeen) {
  set.options<Shellcheck>();
  set.add<&run_shellcheck>();
  set.intrinsic<ProcessResult(Process)>("run_process", &pretend_to_run);
  set.query<LintResult(Sources)>();
  give(Shellcheck{{"-x"}});
  EXPECT_THAT(ask<LintResult>(Sources{{"a.sh", "bad.sh"}})->findings,
              ElementsAre("ran shellcheck -x bad.sh"));
  record.take();
  EXPECT_THAT(ask<LintResult>(Sources{{"a.sh", "b.sh", "bad.sh"}})->findings,
              ElementsAre("ran shellcheck -x bad.sh"));
  EXPECT_THAT(record.take(),
              ElementsAre("run_shellcheck(Sources{files: [\"a.sh\", \"b.sh\", \"bad.sh\"]})",
                          "run_process(Process{argv: [\"shellcheck\", \"-x\", \"b.sh\"]})"));
}

}  // namespace
}  // namespace kiln::rules
