// P8: operations on trees of 100,000 files: a change of one file costs what differs.
#include <benchmark/benchmark.h>

#include "common/types/hash.h"
#include "daemon/store/tree_ops.h"

namespace kiln::store {
namespace {

constexpr int kFiles = 100'000;

// 100 files to a directory, 100 directories to a parent: what source trees look like.
std::vector<PathEntry> entries_of_project(int changed) {
  std::vector<PathEntry> entries;
  entries.reserve(kFiles);
  for (int i = 0; i < kFiles; ++i) {
    const std::string path = "src/part" + std::to_string(i / 10'000) + "/module" +
                             std::to_string(i / 100) + "/source_file_" + std::to_string(i) + ".cc";
    entries.push_back({RelPath::from_normalized(path),
                       File{file_digest_of(std::to_string(i == changed ? -1 : i)), false}});
  }
  return entries;
}

TreePtr project(int changed = -1) { return tree_of(entries_of_project(changed)).value(); }

const TreePtr& base() {
  static const TreePtr kTree = project();
  return kTree;
}
const TreePtr& edited() {
  static const TreePtr kTree = project(kFiles / 2);
  return kTree;
}

void BM_TreeOf100kFiles(benchmark::State& state) {
  const std::vector<PathEntry> entries = entries_of_project(-1);
  for (auto _ : state) benchmark::DoNotOptimize(tree_of(entries));
}
BENCHMARK(BM_TreeOf100kFiles)->Unit(benchmark::kMillisecond);

void BM_DiffOneFileChanged(benchmark::State& state) {
  for (auto _ : state) {
    DiffWalk walk(base(), edited());
    for (auto next = walk.next(); next.ok() && *next; next = walk.next()) {
      benchmark::DoNotOptimize(*next);
    }
  }
}
BENCHMARK(BM_DiffOneFileChanged)->Unit(benchmark::kMicrosecond);

void BM_MergeOneFileAdded(benchmark::State& state) {
  const TreePtr one = tree_of({{RelPath::from_normalized("src/part5/module500/generated.h"),
                                File{file_digest_of("generated"), false}}})
                          .value();
  for (auto _ : state) benchmark::DoNotOptimize(merge(std::vector{base(), one}, nullptr));
}
BENCHMARK(BM_MergeOneFileAdded)->Unit(benchmark::kMicrosecond);

void BM_MergeConflictOfOneFile(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(merge(std::vector{base(), edited()}, nullptr));
}
BENCHMARK(BM_MergeConflictOfOneFile)->Unit(benchmark::kMicrosecond);

void BM_AddAndRemovePrefix(benchmark::State& state) {
  const RelPath prefix = RelPath::from_normalized("a/b/c");
  for (auto _ : state) benchmark::DoNotOptimize(remove_prefix(add_prefix(base(), prefix), prefix));
}
BENCHMARK(BM_AddAndRemovePrefix)->Unit(benchmark::kMicrosecond);

// A subset as the glob matcher makes it: one directory rebuilt, all others shared.
void BM_ReplaceOneFile(benchmark::State& state) {
  const RelPath path = RelPath::from_normalized("src/part5/module500");
  for (auto _ : state) {
    const TreePtr leaf = std::get<TreePtr>(*base()->find(path));
    std::vector<Entry> entries = leaf->entries();
    entries[0].node = File{file_digest_of("edited"), false};
    TreePtr replaced = Tree::make(std::move(entries));
    for (RelPath at = path; !at.is_root(); at = at.parent()) {
      const TreePtr above =
          at.parent().is_root() ? base() : std::get<TreePtr>(*base()->find(at.parent()));
      std::vector<Entry> siblings = above->entries();
      for (Entry& entry : siblings) {
        if (entry.name == at.name()) entry.node = replaced;
      }
      replaced = Tree::make(std::move(siblings));
    }
    benchmark::DoNotOptimize(replaced);
  }
}
BENCHMARK(BM_ReplaceOneFile)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kiln::store
