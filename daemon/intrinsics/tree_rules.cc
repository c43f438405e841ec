#include "daemon/intrinsics/tree_rules.h"

#include <algorithm>

#include "daemon/intrinsics/files/named_globs.h"
#include "daemon/intrinsics/trees.h"
#include "daemon/store/limits.h"
#include "daemon/store/tree_contents.h"
#include "daemon/store/tree_ops.h"
#include "daemon/store/tree_walk.h"

namespace kiln::intrinsics {

namespace {

class Capturing {
 public:
  explicit Capturing(const RuleServices& services) : services_(services) {}

  Task<Result<CapturedTree>> capture(graph::Context& context, const PathGlobs& globs,
                                     const BuildRoot& root, const IgnoreOptions& ignore) const {
    KILN_CO_ASSIGN(const Found found, co_await find(context, globs, root, ignore, false));
    const GlobResult& result = found.result();
    CapturedTree captured{DirectoryDigest(result.tree), note_lines(result)};
    KILN_CO_TRY(settle(globs, *root.workspace, found, captured.warnings));
    co_return captured;
  }

  Task<Result<Paths>> list(graph::Context& context, const PathGlobs& globs, const BuildRoot& root,
                           const IgnoreOptions& ignore) const {
    KILN_CO_ASSIGN(const Found found, co_await find(context, globs, root, ignore, true));
    const GlobResult& result = found.result();
    Paths paths{.warnings = note_lines(result)};
    KILN_CO_TRY(settle(globs, *root.workspace, found, paths.warnings));
    const os::GlobSet& compiled = *found.query->globs;
    add_matched(*result.tree, compiled, RelPath(), compiled.root(), paths);
    co_return paths;
  }

 private:
  struct Found {
    std::shared_ptr<const GlobQuery> query;
    graph::ValueRef value;
    const GlobResult& result() const { return graph::value_as<GlobResult>(value); }
  };

  Task<Result<Found>> find(graph::Context& context, const PathGlobs& globs, const BuildRoot& root,
                           const IgnoreOptions& ignore, bool names_only) const {
    KILN_CO_TRY(check(globs));
    const FileSystem& files = *services_.files;
    KILN_CO_ASSIGN(const std::vector<std::string> named,
                   co_await named_globs(context, files.functions(), *root.workspace, globs.globs));
    Found found;
    KILN_CO_ASSIGN(found.query, make_glob_query(named, ignore.patterns(), names_only, globs.rules));
    KILN_CO_ASSIGN(found.value, co_await context.get(files.glob(*root.workspace, found.query)));
    co_return found;
  }

  static Result<void> settle(const PathGlobs& globs, const Workspace& workspace, const Found& found,
                             std::vector<std::string>& warnings) {
    const GlobResult& result = found.result();
    const std::vector<std::string> unmatched = unmatched_globs(*found.query, result);
    std::string message = unmatched_message(globs, *found.query->globs, unmatched);
    if (message.empty()) return {};
    for (const std::string& glob : unmatched) {
      const std::string why = why_unmatched(*found.query, result, glob);
      if (!why.empty()) message += "\n  " + why;
    }
    message += "\n  in the workspace " + workspace.root();
    return settle_unmatched(globs, std::move(message), warnings);
  }

  static void add_matched(const store::Tree& tree, const os::GlobSet& globs, const RelPath& prefix,
                          const os::GlobState& state, Paths& paths) {
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = prefix.child(entry.name);
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      const os::GlobSet::Step step = globs.step(state, entry.name);
      if (below == nullptr) {
        paths.files.push_back(path.str());
        continue;
      }
      if (!step.matched.empty()) paths.dirs.push_back(path.str());
      add_matched(**below, globs, path, step.below, paths);
    }
  }

  const RuleServices& services_;
};

Result<Snapshot> snapshot_of_tree(const store::TreePtr& tree, std::vector<std::string> warnings,
                                  std::stop_token stop = {}) {
  Snapshot snapshot{DirectoryDigest(tree), {}, {}, std::move(warnings)};
  store::ListBudget budget(*tree);
  KILN_ASSIGN(store::TreeWalk walk, store::TreeWalk::begin(tree, std::move(stop)));
  for (;;) {
    KILN_ASSIGN(const auto item, walk.next());
    if (!item) return snapshot;
    KILN_TRY(budget.take(item->path));
    const bool directory = std::holds_alternative<store::TreePtr>(*item->node);
    (directory ? snapshot.dirs : snapshot.files).push_back(item->path.str());
  }
}

Result<DigestEntries> entries_of(const store::TreePtr& tree, const std::stop_token& stop) {
  DigestEntries entries;
  KILN_ASSIGN(const std::vector<store::PathEntry> leaves, store::leaves_of(tree, stop));
  for (const store::PathEntry& leaf : leaves) {
    if (const auto* file = std::get_if<store::File>(&leaf.node)) {
      entries.files.push_back({leaf.path, file->digest, file->executable});
    } else if (const auto* link = std::get_if<store::Symlink>(&leaf.node)) {
      entries.symlinks.push_back({leaf.path, link->target});
    } else {
      entries.directories.push_back(leaf.path);
    }
  }
  return entries;
}

// `read` is of content that the store should have.
template <class F>
Task<std::invoke_result_t<F>> noting_loss(const RuleServices& services,
                                          const graph::Context& reader, F read) {
  auto content = co_await services.where_it_may_block(std::move(read));
  if (!content.ok()) services.router->note_loss(reader, content.error());
  co_return content;
}

Result<FileHead> head_of(const FileHeadRequest& request, store::Store& store) {
  KILN_ASSIGN(const auto reader, store.blobs().reader(request.file_digest));
  KILN_ASSIGN(std::string bytes,
              reader->next(static_cast<size_t>(std::max(request.size, int64_t{0}))));
  return FileHead{std::move(bytes)};
}

Result<DigestContents> contents_of(const store::TreePtr& tree, store::Store& store,
                                   const std::stop_token& stop) {
  KILN_TRY(store::check_contents(*tree));
  KILN_ASSIGN(const std::vector<store::PathEntry> leaves, store::leaves_of(tree, stop));
  DigestContents contents;
  for (const store::PathEntry& leaf : leaves) {
    const auto* file = std::get_if<store::File>(&leaf.node);
    if (file == nullptr) continue;
    if (stop.stop_requested()) return user_error(ErrorCode::kCancelled, "cancelled");
    auto bytes = store.blobs().get(file->digest);
    if (!bytes.ok()) {
      // What else is lost is found now, so that all of it comes back together.
      if (store::is_loss(bytes.error())) KILN_TRY(store::find_losses(store.blobs(), *tree, stop));
      return bytes.error();
    }
    contents.files.push_back({leaf.path, *std::move(bytes), file->executable});
  }
  return contents;
}

rules::Rule<Snapshot, rules::Gets<CapturedTree(PathGlobs)>> snapshot_of_globs(
    const PathGlobs& globs) {
  const CapturedTree& captured = co_await rules::get<CapturedTree>(globs);
  auto snapshot = snapshot_of_tree(captured.digest.tree, captured.warnings);
  if (!snapshot.ok()) co_return snapshot.error();
  co_return *std::move(snapshot);
}
rules::Rule<Snapshot, rules::Gets<CapturedTree(DigestSubset)>> snapshot_of_subset(
    const DigestSubset& subset) {
  const CapturedTree& captured = co_await rules::get<CapturedTree>(subset);
  auto snapshot = snapshot_of_tree(captured.digest.tree, captured.warnings);
  if (!snapshot.ok()) co_return snapshot.error();
  co_return *std::move(snapshot);
}
rules::Rule<DirectoryDigest, rules::Gets<CapturedTree(PathGlobs)>> digest_of_globs(
    const PathGlobs& globs) {
  co_return (co_await rules::get<CapturedTree>(globs)).digest;
}
rules::Rule<DirectoryDigest, rules::Gets<CapturedTree(DigestSubset)>> digest_of_subset(
    const DigestSubset& subset) {
  co_return (co_await rules::get<CapturedTree>(subset)).digest;
}

}  // namespace

bool walks_before(std::string_view a, std::string_view b) {
  // A slash ends a component, and what is shorter comes first.
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

rules::RuleSet tree_rules(const RuleServices& services) {
  rules::RuleSet set;
  set.root<BuildRoot>();
  set.options<IgnoreOptions>();
  const Capturing capturing(services);
  set.intrinsic<CapturedTree(PathGlobs, BuildRoot, IgnoreOptions)>(
      "capture", [capturing](graph::Context& context, const PathGlobs& globs, const BuildRoot& root,
                             const IgnoreOptions& ignore) {
        return capturing.capture(context, globs, root, ignore);
      });
  set.intrinsic<Paths(PathGlobs, BuildRoot, IgnoreOptions)>(
      "list_paths", [capturing](graph::Context& context, const PathGlobs& globs,
                                const BuildRoot& root, const IgnoreOptions& ignore) {
        return capturing.list(context, globs, root, ignore);
      });
  set.add<&snapshot_of_globs>();
  set.add<&digest_of_globs>();
  set.add<&snapshot_of_subset>();
  set.add<&digest_of_subset>();
  set.intrinsic<DirectoryDigest(MergeDigests)>(
      "merge_digests",
      [&services](graph::Context& context,
                  const MergeDigests& request) -> Task<Result<DirectoryDigest>> {
        std::vector<store::TreePtr> trees;
        for (const DirectoryDigest& digest : request.digests) {
          KILN_CO_ASSIGN(store::TreePtr tree, co_await services.tree_of(context, digest));
          trees.push_back(std::move(tree));
        }
        KILN_CO_ASSIGN(store::TreePtr all, merged(*services.store, std::move(trees)));
        co_return DirectoryDigest(std::move(all));
      });
  set.intrinsic<CapturedTree(DigestSubset)>(
      "digest_subset",
      [&services](graph::Context& context,
                  const DigestSubset& request) -> Task<Result<CapturedTree>> {
        KILN_CO_ASSIGN(const store::TreePtr tree,
                       co_await services.tree_of(context, request.digest));
        const std::stop_token stop = context.stop_token();
        const auto select = [&] { return subset(tree, request.globs, stop); };
        // A long selection must not keep one of the few threads on which all functions run.
        constexpr uint64_t kLong = 100'000;
        if (tree->extent().entries <= kLong) {
          KILN_CO_ASSIGN(TreeSubset part, select());
          co_return CapturedTree{DirectoryDigest(std::move(part.tree)), std::move(part.warnings)};
        }
        KILN_CO_ASSIGN(TreeSubset part, co_await services.where_it_may_block(select));
        co_return CapturedTree{DirectoryDigest(std::move(part.tree)), std::move(part.warnings)};
      });
  set.intrinsic<DirectoryDigest(AddPrefix)>(
      "add_prefix",
      [&services](graph::Context& context,
                  const AddPrefix& request) -> Task<Result<DirectoryDigest>> {
        KILN_CO_ASSIGN(const store::TreePtr tree,
                       co_await services.tree_of(context, request.digest));
        store::TreePtr moved = store::add_prefix(tree, request.prefix);
        KILN_CO_TRY(store::check_depth(*moved));
        co_return DirectoryDigest(std::move(moved));
      });
  set.intrinsic<DirectoryDigest(RemovePrefix)>(
      "remove_prefix",
      [&services](graph::Context& context,
                  const RemovePrefix& request) -> Task<Result<DirectoryDigest>> {
        KILN_CO_ASSIGN(const store::TreePtr tree,
                       co_await services.tree_of(context, request.digest));
        KILN_CO_ASSIGN(store::TreePtr moved, store::remove_prefix(tree, request.prefix));
        co_return DirectoryDigest(std::move(moved));
      });
  set.intrinsic<DirectoryDigest(CreateDigest)>(
      "create_digest",
      [&services](graph::Context& context,
                  const CreateDigest& request) -> Task<Result<DirectoryDigest>> {
        KILN_CO_TRY(co_await context.get(services.router->losses(context)));
        KILN_CO_ASSIGN(store::TreePtr tree, co_await services.where_it_may_block([&] {
          return create_tree(*services.store, request);
        }));
        co_return DirectoryDigest(std::move(tree));
      });
  set.intrinsic<Snapshot(DirectoryDigest)>(
      "snapshot_of_digest",
      [&services](graph::Context& context,
                  const DirectoryDigest& digest) -> Task<Result<Snapshot>> {
        KILN_CO_ASSIGN(const store::TreePtr tree, co_await services.tree_of(context, digest));
        co_return snapshot_of_tree(tree, {}, context.stop_token());
      });
  set.intrinsic<DigestEntries(DirectoryDigest)>(
      "digest_entries",
      [&services](graph::Context& context,
                  const DirectoryDigest& digest) -> Task<Result<DigestEntries>> {
        KILN_CO_ASSIGN(const store::TreePtr tree, co_await services.tree_of(context, digest));
        co_return entries_of(tree, context.stop_token());
      });
  set.intrinsic<DigestContents(DirectoryDigest)>(
      "digest_contents",
      [&services](graph::Context& context,
                  const DirectoryDigest& digest) -> Task<Result<DigestContents>> {
        KILN_CO_ASSIGN(const store::TreePtr tree, co_await services.tree_of(context, digest));
        co_return co_await noting_loss(services, context, [&] {
          return contents_of(tree, *services.store, context.stop_token());
        });
      });
  set.intrinsic<FileHead(FileHeadRequest)>(
      "file_head",
      [&services](graph::Context& context,
                  const FileHeadRequest& request) -> Task<Result<FileHead>> {
        co_return co_await noting_loss(services, context,
                                       [&] { return head_of(request, *services.store); });
      });
  set.query<CapturedTree(PathGlobs)>();
  set.query<CapturedTree(DigestSubset)>();
  set.query<Snapshot(PathGlobs)>();
  set.query<Snapshot(DigestSubset)>();
  set.query<DirectoryDigest(PathGlobs)>();
  set.query<Paths(PathGlobs)>();
  set.query<DirectoryDigest(MergeDigests)>();
  set.query<DirectoryDigest(DigestSubset)>();
  set.query<DirectoryDigest(AddPrefix)>();
  set.query<DirectoryDigest(RemovePrefix)>();
  set.query<DirectoryDigest(CreateDigest)>();
  set.query<Snapshot(DirectoryDigest)>();
  set.query<DigestEntries(DirectoryDigest)>();
  set.query<DigestContents(DirectoryDigest)>();
  return set;
}

}  // namespace kiln::intrinsics
