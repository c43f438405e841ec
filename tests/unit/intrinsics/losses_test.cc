// Content that the store lost: brought back by whoever brought it before, as part of the question
// that misses it.
#include "daemon/intrinsics/files/losses.h"

#include <algorithm>
#include <atomic>

#include "common/types/hash.h"
#include "daemon/intrinsics/download_rules.h"
#include "daemon/intrinsics/download_values.h"
#include "daemon/intrinsics/process_rules.h"
#include "daemon/intrinsics/tree_contents.h"
#include "daemon/intrinsics/tree_rules.h"
#include "daemon/rules/root_run.h"
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::HasSubstr;

struct FileName {
  static constexpr std::string_view kTypeName = "FileName";
  std::string path;
  static void fields(auto& self, auto&& field) { field("path", self.path); }
  friend bool operator==(const FileName&, const FileName&) = default;
};
struct Text {
  static constexpr std::string_view kTypeName = "Text";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Text&, const Text&) = default;
};

rules::Rule<Text, rules::Gets<DirectoryDigest(PathGlobs), DigestContents(DirectoryDigest)>>
text_of_file(const FileName& name) {
  const auto& digest = co_await rules::get<DirectoryDigest>(PathGlobs{.globs = {name.path}});
  const auto& contents = co_await rules::get<DigestContents>(digest);
  co_return Text{contents.files.at(0).content};
}
// Of what a rule itself put into the store.
rules::Rule<Text, rules::Gets<DirectoryDigest(CreateDigest), DigestContents(DirectoryDigest)>>
text_of_created(const CreateDigest& create) {
  const auto& digest = co_await rules::get<DirectoryDigest>(create);
  const auto& contents = co_await rules::get<DigestContents>(digest);
  co_return Text{contents.files.at(0).content};
}
rules::Rule<Text, rules::Gets<DirectoryDigest(DownloadFile), DigestContents(DirectoryDigest)>>
text_of_download(const DownloadFile& file) {
  const auto& digest = co_await rules::get<DirectoryDigest>(file);
  const auto& contents = co_await rules::get<DigestContents>(digest);
  co_return Text{contents.files.at(0).content};
}
// Of what a second process says of what the first made.
rules::Rule<Text, rules::Gets<FallibleProcessResult(Process)>> text_of_processes(
    const Process& first) {
  const auto& made = co_await rules::get<FallibleProcessResult>(first);
  Process second = first;
  second.description = "reads";
  second.argv.push_back("too");
  second.input_digest = made.output_digest;
  co_return Text{(co_await rules::get<FallibleProcessResult>(second)).stdout_text};
}

// All files that match, with one process over them and read by the rule itself.
struct Inputs {
  static constexpr std::string_view kTypeName = "Inputs";
  std::string glob;
  static void fields(auto& self, auto&& field) { field("glob", self.glob); }
  friend bool operator==(const Inputs&, const Inputs&) = default;
};
struct Count {
  static constexpr std::string_view kTypeName = "Count";
  int64_t files = 0;
  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const Count&, const Count&) = default;
};
rules::Rule<Text, rules::Gets<DirectoryDigest(PathGlobs), FallibleProcessResult(Process)>>
process_over_files(const Inputs& inputs) {
  Process process;
  process.argv = {"/bin/true"};
  process.description = "reads all";
  process.input_digest = co_await rules::get<DirectoryDigest>(PathGlobs{.globs = {inputs.glob}});
  co_return Text{(co_await rules::get<FallibleProcessResult>(process)).stdout_text};
}
rules::Rule<Count, rules::Gets<DirectoryDigest(PathGlobs), DigestContents(DirectoryDigest)>>
count_of_files(const Inputs& inputs) {
  const auto& digest = co_await rules::get<DirectoryDigest>(PathGlobs{.globs = {inputs.glob}});
  const auto& contents = co_await rules::get<DigestContents>(digest);
  co_return Count{static_cast<int64_t>(contents.files.size())};
}

class OneFile final : public fetch::Fetcher {
 public:
  Result<void> fetch(const fetch::Url&, fetch::Sink& sink, const std::stop_token&) override {
    ++asked;
    KILN_TRY(sink.begin(std::nullopt));
    return sink.append("from elsewhere");
  }
  std::atomic<int> asked{0};
};

// "makes" leaves a file, "reads" says what is in its input.
class TwoProcesses final : public exec::ProcessRunner {
 public:
  explicit TwoProcesses(store::Store& store) : store_(store) {}
  Task<Result<exec::RunResult>> run(const exec::RunRequest& request) override {
    ran.with([&](auto& all) { all.push_back(request.process.description); });
    if (request.process.description == "reads all") co_return read_all(*request.process.inputs);
    co_return request.process.description == "makes" ? make() : read(*request.process.inputs);
  }
  Synchronized<std::vector<std::string>> ran;

 private:
  Result<exec::RunResult> make() {
    KILN_ASSIGN(const FileDigest file, store_.blobs().put("made"));
    const store::TreePtr tree = store::Tree::make({store::Entry{"file", store::File{file, false}}});
    KILN_TRY(store_.trees().save(tree));
    exec::RunResult result;
    result.result.output_digest = tree->digest();
    return result;
  }
  Result<exec::RunResult> read(const store::Tree& inputs) {
    const auto& file = std::get<store::File>(inputs.find("file")->node);
    KILN_TRY(store_.blobs().get(file.digest));
    exec::RunResult result;
    result.result.stdout_digest = file.digest;
    return result;
  }
  // Ends at the first input that is lost, as filling a sandbox does.
  Result<exec::RunResult> read_all(const store::Tree& inputs) {
    for (const store::Entry& entry : inputs.entries()) {
      KILN_TRY(store_.blobs().get(std::get<store::File>(entry.node).digest));
    }
    KILN_ASSIGN(const FileDigest all, store_.blobs().put("read all"));
    exec::RunResult result;
    result.result.stdout_digest = all;
    return result;
  }
  store::Store& store_;
};

class LossesTest : public test::EngineFixture {
 protected:
  LossesTest()
      : runner_(*store_),
        downloads_(fetcher_, store_->blobs(), blocking_, home_, counters_),
        tool_digests_(fs_counters_),
        tools_(files_.functions(), workspaces_.host(), tool_digests_, home_, blocking_),
        services_{.files = &files_,
                  .store = store_.get(),
                  .runner = &runner_,
                  .outputs = &outputs_,
                  .tools = &tools_,
                  .router = &router_,
                  .downloads = &downloads_,
                  .home = &home_,
                  .blocking = &blocking_},
        rules_(rules::RuleGraph::compile(rule_set()).graph) {}
  ~LossesTest() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();
  }

  rules::RuleSet rule_set() {
    rules::RuleSet set = tree_rules(services_);
    set.add_all(process_rules(services_));
    set.add_all(download_rules(services_));
    set.add<&text_of_file>();
    set.add<&text_of_created>();
    set.query<Text(CreateDigest)>();
    set.add<&text_of_download>();
    set.add<&text_of_processes>();
    set.query<Text(FileName)>();
    set.add<&process_over_files>();
    set.add<&count_of_files>();
    set.query<Text(Inputs)>();
    set.query<Count(Inputs)>();
    set.query<Text(DownloadFile)>();
    set.query<Text(Process)>();
    return set;
  }

  // As a run of its own.
  template <class Out, class In>
  Result<Out> ask(In input) {
    const std::string type(In::kTypeName);
    const rules::Root* root = rules_->find_query(std::string(Out::kTypeName), {&type, 1});
    const std::vector<rules::Param> given = {
        rules::make_param(std::move(input)),
        rules::make_param(BuildRoot{workspace_.root(), &workspace_}),
        rules::make_param(IgnoreOptions()), rules::make_param(HostOptions()),
        rules::make_param(SandboxOptions())};
    // Those that the root does not consume stay empty.
    std::vector<rules::Param> params(root->scope.size());
    for (size_t i = 0; i < params.size(); ++i) {
      for (const rules::Param& param : given) {
        if (param.type == root->scope[i]) params[i] = param;
      }
    }
    rules::RootRun run(
        {.graph = *graph_,
         .run = RunId{++last_run_},
         .stop = {},
         .synchronize = [this] { return watcher_->synchronize(); },
         .print = [](rules::Console::Text) -> Task<Result<void>> { co_return Result<void>(); }});
    KILN_ASSIGN(const graph::ValueRef value, sync_wait(home_, run.query(*root, std::move(params))));
    return graph::value_as<Out>(value);
  }
  static Process process(std::string description) {
    Process process;
    process.argv = {"/bin/true"};
    process.description = std::move(description);
    return process;
  }

  OneFile fetcher_;
  TwoProcesses runner_;
  fetch::Downloads downloads_;
  OutputHub outputs_;
  HostTools tool_digests_;
  HostToolFunction tools_;
  const RuleServices services_;
  const std::unique_ptr<const rules::RuleGraph> rules_;
  uint64_t last_run_ = 0;
};

TEST_F(LossesTest, AFileOfTheWorkspaceIsCapturedAgain) {
  write("a.txt", "from the disk");
  ASSERT_TRUE(ask<DirectoryDigest>(PathGlobs{.globs = {"a.txt"}}).ok());
  store_->lose(file_digest_of("from the disk"));
  const auto text = ask<Text>(FileName{"a.txt"});
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  EXPECT_EQ(text->text, "from the disk");
}

TEST_F(LossesTest, WhatARuleCreatedIsCreatedAgain) {
  CreateDigest create;
  create.contents = {{rel("f"), "of a rule", false}};
  ASSERT_TRUE(ask<DirectoryDigest>(create).ok());
  store_->lose(file_digest_of("of a rule"));
  const auto text = ask<Text>(create);
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  EXPECT_EQ(text->text, "of a rule");
}

TEST_F(LossesTest, RulesReadTheStoreWhereThatMayTakeLong) {
  CreateDigest create;
  create.contents = {{rel("f"), "of a rule", false}};
  (void)store_->take_readers();
  ASSERT_TRUE(ask<Text>(create).ok());
  EXPECT_EQ(store_->take_readers(), std::set<std::string>{"blocking"});
}

TEST_F(LossesTest, ADownloadIsDownloadedAgain) {
  const FileDigest expected = file_digest_of("from elsewhere");
  const DownloadFile file{"https://example.com/f", expected};
  ASSERT_TRUE(ask<DirectoryDigest>(file).ok());
  store_->lose(expected);
  const auto text = ask<Text>(file);
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  EXPECT_EQ(text->text, "from elsewhere");
  EXPECT_EQ(fetcher_.asked, 2);
}

TEST_F(LossesTest, WhatOtherDownloadsBroughtIsOnlyLookedFor) {
  const DownloadFile file{"https://example.com/f", file_digest_of("from elsewhere")};
  ASSERT_TRUE(ask<DirectoryDigest>(file).ok());
  write("a.txt", "from the disk");
  ASSERT_TRUE(ask<DirectoryDigest>(PathGlobs{.globs = {"a.txt"}}).ok());
  store_->lose(file_digest_of("from the disk"));
  ASSERT_TRUE(ask<Text>(FileName{"a.txt"}).ok());
  ASSERT_TRUE(ask<DirectoryDigest>(file).ok());
  EXPECT_EQ(fetcher_.asked, 1);
}

TEST_F(LossesTest, WhatAProcessMadeIsMadeAgainForTheNextThatReadsIt) {
  ASSERT_TRUE(ask<FallibleProcessResult>(process("makes")).ok());
  store_->lose(file_digest_of("made"));
  const auto text = ask<Text>(process("makes"));
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  EXPECT_EQ(text->text, "made");
  const auto makes =
      runner_.ran.with([](const auto& ran) { return std::count(ran.begin(), ran.end(), "makes"); });
  EXPECT_EQ(makes, 2);
}

TEST_F(LossesTest, ManyInputsThatAreDamagedTogetherComeBackTogether) {
  constexpr int kFiles = 40;
  std::vector<FileDigest> many;
  for (int i = 0; i < kFiles; ++i) {
    const std::string content = "of " + std::to_string(i);
    write(std::to_string(i) + ".many", content);
    many.push_back(file_digest_of(content));
  }
  write("0.one", "alone");
  const std::vector<FileDigest> one = {file_digest_of("alone")};
  const auto runs_to_heal = [&](const std::string& glob, const std::vector<FileDigest>& damaged) {
    EXPECT_TRUE(ask<DirectoryDigest>(PathGlobs{.globs = {glob}}).ok());
    for (const FileDigest& digest : damaged) store_->damage(digest);
    const size_t before = runner_.ran.with([](const auto& ran) { return ran.size(); });
    const auto text = ask<Text>(Inputs{glob});
    EXPECT_TRUE(text.ok() && text->text == "read all") << glob;
    return runner_.ran.with([](const auto& ran) { return ran.size(); }) - before;
  };
  EXPECT_EQ(runs_to_heal("*.many", many), runs_to_heal("*.one", one));
  for (const FileDigest& digest : many) store_->damage(digest);
  const auto count = ask<Count>(Inputs{"*.many"});
  ASSERT_TRUE(count.ok()) << count.error().to_string();
  EXPECT_EQ(count->files, kFiles);
}

TEST_F(LossesTest, WhatNobodyCanBringBackIsAnErrorAndNotTriedForEver) {
  CreateDigest create;
  create.contents = {{rel("f"), "of a client", false}};
  const auto digest = ask<DirectoryDigest>(create);
  ASSERT_TRUE(digest.ok());
  store_->lose(file_digest_of("of a client"));
  work();
  const auto contents = ask<DigestContents>(*digest);
  ASSERT_FALSE(contents.ok());
  EXPECT_THAT(contents.error().message(), HasSubstr("the store lost"));
  EXPECT_LE(work().ran, 2);
  // It came back by itself.
  ASSERT_TRUE(store_->blobs().put("of a client").ok());
  EXPECT_TRUE(ask<DigestContents>(*digest).ok());
}

TEST_F(LossesTest, ASecondLossOfTheSameIsMendedToo) {
  write("a.txt", "from the disk");
  for (int times = 0; times < 3; ++times) {
    graph_ = std::make_unique<graph::Graph>(home_);  // nothing is remembered to have been read
    router_.attach(*graph_);
    ASSERT_TRUE(ask<DirectoryDigest>(PathGlobs{.globs = {"a.txt"}}).ok());
    store_->lose(file_digest_of("from the disk"));
    const auto text = ask<Text>(FileName{"a.txt"});
    ASSERT_TRUE(text.ok()) << times << ": " << text.error().to_string();
  }
}

TEST_F(LossesTest, AreNotedOnceForANodeInARun) {
  Losses losses;
  const Hash128 node{1, 2};
  EXPECT_TRUE(losses.note(node, RunId{1}));
  EXPECT_FALSE(losses.note(node, RunId{1}));
  EXPECT_TRUE(losses.note(Hash128{3, 4}, RunId{1}));
  EXPECT_TRUE(losses.note(node, RunId{2}));
}

}  // namespace
}  // namespace kiln::intrinsics
