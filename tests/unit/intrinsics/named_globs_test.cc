// Globs as a caller typed them: names that exist, and "..".
#include "daemon/intrinsics/files/named_globs.h"

#include "daemon/graph/function.h"
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Named {
  std::vector<std::string> globs;
  friend bool operator==(const Named&, const Named&) = default;
};

// A node, because only nodes look at the disk.
class NamingFunction final : public graph::Function {
 public:
  NamingFunction(const FsFunctions& fs, const Workspace& workspace)
      : fs_(fs), workspace_(workspace) {}
  std::string_view name() const override { return "test.naming"; }
  std::string describe(const graph::Value&) const override { return "read globs"; }
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override {
    KILN_CO_ASSIGN(auto globs, co_await named_globs(context, fs_, workspace_,
                                                    graph::value_as<Named>(input).globs));
    co_return graph::Computed{graph::make_value(Named{std::move(globs)})};
  }

 private:
  const FsFunctions& fs_;
  const Workspace& workspace_;
};

class NamedGlobs : public test::EngineFixture {
 protected:
  Result<std::string> named(const std::string& glob) {
    watcher_->synchronize();
    const graph::Key key{xxh3_128(glob), &naming_, graph::make_value(Named{{glob}})};
    const auto answer = sync_wait(home_, graph_->request(key, RunId{++run_}, {}));
    if (!answer.ok()) return answer.error();
    return graph::value_as<Named>(answer->value).globs.front();
  }
  const NamingFunction naming_{files_.functions(), workspace_};
  uint64_t run_ = 0;
};

TEST_F(NamedGlobs, WhatExistsByTheVeryNameIsThatFile) {
  write("app/[slug]/x.sh", "");
  write("a1", "");
  EXPECT_EQ(*named("app/[slug]/x.sh"), "app/\\[slug]/x.sh");
  EXPECT_EQ(*named("!app/[slug]/x.sh"), "!app/\\[slug]/x.sh");
  EXPECT_EQ(*named("!/app/[slug]"), "!/app/\\[slug]");
  EXPECT_EQ(*named("app/[slug]/*"), "app/[slug]/*") << "only a name as a whole is one";
  EXPECT_EQ(*named("a[1]"), "a[1]");
  write("a[1]", "");
  EXPECT_EQ(*named("a[1]"), "a\\[1]") << "it exists by now";
  remove("a[1]");
  EXPECT_EQ(*named("a[1]"), "a[1]");
  EXPECT_EQ(*named("**/*.c"), "**/*.c");
}

TEST_F(NamedGlobs, ParentsAreTakenAsTheKernelTakesThem) {
  write("f.txt", "top");
  write("a/f.txt", "inner");
  write("a/b/g", "");
  link("a/b", "c.ln");
  EXPECT_EQ(*named("c.ln/../f.txt"), "a/f.txt");
  EXPECT_EQ(*named("c.ln/../*.txt"), "a/*.txt");
  EXPECT_EQ(*named("a/b/../../f.txt"), "f.txt");
  EXPECT_EQ(*named("a/.."
                   "/f.txt"),
            "f.txt");
  EXPECT_EQ(*named("a/b/.."), "a");
  EXPECT_THAT(named("../f").error().message(), HasSubstr("leaves the root"));
  EXPECT_THAT(named("c.ln/../../../f").error().message(), HasSubstr("leaves the root"));
  EXPECT_THAT(named("nowhere/../f.txt").error().message(), HasSubstr("no directory"));
  EXPECT_THAT(named("f.txt/../f.txt").error().message(), HasSubstr("no directory"));
  EXPECT_THAT(named("a/..").error().message(), HasSubstr("is the root itself"));
}

}  // namespace
}  // namespace kiln::intrinsics
