// Engine-aware values: what they say of themselves, and for how long they hold.
#include "daemon/rules/engine_aware.h"

#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Says all that can be said.
struct Checked {
  static constexpr std::string_view kTypeName = "Checked";
  int findings = 0;
  trace::Level level() const { return findings == 0 ? trace::Level::kInfo : trace::Level::kWarn; }
  std::string message() const { return std::to_string(findings) + " findings"; }
  std::map<std::string, std::string> metadata() const { return {{"tool", "checker"}}; }
  std::map<std::string, Digest> artifacts() const { return {{"report", {.size = findings}}}; }
  bool cacheable() const { return findings == 0; }
  static void fields(auto& self, auto&& field) { field("findings", self.findings); }
  friend bool operator==(const Checked&, const Checked&) = default;
};
// Says nothing but a message.
struct Told {
  static constexpr std::string_view kTypeName = "Told";
  std::string text;
  std::string message() const { return text; }
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Told&, const Told&) = default;
};
// Has a field with such a name; that says nothing.
struct Finding {
  static constexpr std::string_view kTypeName = "Finding";
  std::string level;
  static void fields(auto& self, auto&& field) { field("level", self.level); }
  friend bool operator==(const Finding&, const Finding&) = default;
};
static_assert(EngineAware<Checked> && EngineAware<Told> && !EngineAware<Finding>);

Rule<Checked, Gets<Fact(FactName)>> check(const FactName& name) {
  const auto& fact = co_await get<Fact>(name);
  co_return Checked{fact.value};
}
Rule<Told, Gets<Checked(FactName)>> tell(const FactName& name) {
  const auto& checked = co_await get<Checked>(name);
  co_return Told{"told of " + std::to_string(checked.findings)};
}
// A param that names the work for it, and a product that is told from its start on.
struct Source {
  static constexpr std::string_view kTypeName = "Source";
  std::string path;
  std::string title() const { return "Compile " + path; }
  static void fields(auto& self, auto&& field) { field("path", self.path); }
  friend bool operator==(const Source&, const Source&) = default;
};
struct Object {
  static constexpr std::string_view kTypeName = "Object";
  static constexpr trace::Level kLevel = trace::Level::kInfo;
  bool warned = false;
  trace::Level level() const { return warned ? trace::Level::kWarn : kLevel; }
  static void fields(auto& self, auto&& field) { field("warned", self.warned); }
  friend bool operator==(const Object&, const Object&) = default;
};

Rule<Object> compile(const Source& source) {
  if (source.path.empty()) co_return user_error(ErrorCode::kInvalidArgument, "no source");
  co_return Object{source.path == "bad.c"};
}
Rule<Finding> find(const int&) { co_return Finding{"error"}; }

class EngineAwareTest : public RuntimeTest {
 protected:
  void SetUp() override {
    add_facts();
    set.add<&check>();
    set.add<&tell>();
    set.add<&find>();
    set.add<&compile>();
    set.query<Object(Source)>();
    set.query<Told(FactName)>();
    set.query<Checked(FactName)>();
    set.query<Finding(int)>();
  }
  trace::Annotation annotation_of(std::string_view rule, const graph::Value* value) {
    for (const auto& entry : graph_of_rules().entries()) {
      if (!entry->name().ends_with(rule)) continue;
      return annotate({{}, entry.get(), {}}, value).value();
    }
    ADD_FAILURE() << "no rule " << rule;
    return {};
  }
};

TEST_F(EngineAwareTest, AValueSaysHowItIsTold) {
  const graph::ValueRef value = graph::make_value(Checked{2});
  const trace::Annotation annotation = annotation_of("check", value.get());
  EXPECT_EQ(annotation.level, trace::Level::kWarn);
  EXPECT_EQ(annotation.message, "2 findings");
  EXPECT_THAT(annotation.metadata, ElementsAre(Pair("tool", "checker")));
  ASSERT_EQ(annotation.outputs.size(), 1);
  EXPECT_EQ(annotation.outputs[0].name, "report");
  EXPECT_EQ(annotation.outputs[0].digest.size, 2);
}

TEST_F(EngineAwareTest, ARuleIsToldAtDebugUnlessItsValueSaysOtherwise) {
  EXPECT_EQ(annotation_of("check", nullptr).level, trace::Level::kDebug);
  const graph::ValueRef told = graph::make_value(Told{"a"});
  EXPECT_EQ(annotation_of("tell", told.get()).level, trace::Level::kDebug);
  EXPECT_EQ(annotation_of("tell", told.get()).message, "a");
  const graph::ValueRef finding = graph::make_value(Finding{"error"});
  EXPECT_EQ(annotation_of("find", finding.get()).level, trace::Level::kDebug);
  EXPECT_EQ(annotation_of("find", finding.get()).message, "");
}

TEST_F(EngineAwareTest, AProductWithALevelIsToldFromItsStartOn) {
  EXPECT_EQ(annotation_of("compile", nullptr).level, trace::Level::kInfo);
  const graph::ValueRef object = graph::make_value(Object{true});
  EXPECT_EQ(annotation_of("compile", object.get()).level, trace::Level::kWarn);
}

TEST_F(EngineAwareTest, AParamWithATitleNamesTheWorkForIt) {
  (void)ask<Object>(Source{"main.c"});
  EXPECT_THAT(record.take(), ElementsAre("Compile main.c"));
  EXPECT_EQ(ask<Object>(Source{}).error().to_string(), "no source\n  while computing Compile ");
}

TEST_F(EngineAwareTest, AValueThatIsNotCacheableHoldsForThisRunOnly) {
  set_fact("a", 2);
  EXPECT_EQ(ask<Told>(FactName{"a"})->text, "told of 2");
  record.take();
  EXPECT_EQ(ask<Told>(FactName{"a"})->text, "told of 2");
  EXPECT_THAT(record.take(), IsEmpty()) << "the same run";
  ++run.value;
  EXPECT_EQ(ask<Told>(FactName{"a"})->text, "told of 2");
  EXPECT_THAT(record.take(), ElementsAre("check(FactName{name: \"a\"})"))
      << "it runs again; what is made of it does not, for it was as before";
}

TEST_F(EngineAwareTest, AValueThatIsCacheableHoldsUntilWhatItWasMadeOfChanges) {
  set_fact("a", 0);
  (void)ask<Told>(FactName{"a"});
  record.take();
  ++run.value;
  (void)ask<Told>(FactName{"a"});
  EXPECT_THAT(record.take(), IsEmpty());
}

}  // namespace
}  // namespace kiln::rules
