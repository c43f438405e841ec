#include "daemon/intrinsics/files/ignore_function.h"

#include "daemon/intrinsics/files/key_encoder.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.ignore/1";

bool has(const DirectoryListing& listing, std::string_view name, os::FileKind kind) {
  const os::DirEntry* entry = listing.find(name);
  return entry != nullptr && entry->kind == kind;
}

}  // namespace

std::string_view IgnoreFunction::name() const { return kName; }

std::string IgnoreFunction::describe(const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  return "ignore rules of " + workspace->describe(path);
}

graph::Key IgnoreFunction::key(const Workspace& workspace, const RelPath& directory) const {
  return {KeyEncoder(kName).add(workspace.root()).add(directory.str()).hash(), this,
          graph::make_value(PathInput{&workspace, directory})};
}

Task<Result<os::IgnoreStack>> IgnoreFunction::push_file(graph::Context& context,
                                                        const Workspace& workspace,
                                                        os::IgnoreStack stack, RelPath base,
                                                        RelPath path) const {
  KILN_CO_ASSIGN(const graph::ValueRef state, co_await context.get(fs_.file(workspace, path)));
  const auto& file = graph::value_as<FileState>(state).file;
  if (!file) co_return stack;
  KILN_CO_ASSIGN(const std::string text, co_await fs_.content(context, file->digest));
  co_return stack.push(std::move(base), os::IgnoreRules::parse(text, path.str()));
}

Task<Result<graph::Computed>> IgnoreFunction::compute(graph::Context& context,
                                                      const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  os::IgnoreStack stack;
  if (!path.is_root()) {
    KILN_CO_ASSIGN(const graph::ValueRef parent,
                   co_await context.get(key(*workspace, path.parent())));
    stack = graph::value_as<IgnoreRulesOf>(parent).stack;
  }
  KILN_CO_ASSIGN(const graph::ValueRef own, co_await context.get(fs_.listing(*workspace, path)));
  const auto& listing = graph::value_as<DirectoryListing>(own);
  if (path.is_root() && has(listing, ".git", os::FileKind::kDirectory)) {
    const RelPath info = RelPath::from_normalized(".git/info");
    KILN_CO_ASSIGN(const graph::ValueRef git,
                   co_await context.get(fs_.listing(*workspace, info.parent())));
    if (has(graph::value_as<DirectoryListing>(git), "info", os::FileKind::kDirectory)) {
      KILN_CO_ASSIGN(stack, co_await push_file(context, *workspace, std::move(stack), RelPath(),
                                               info.child("exclude")));
    }
  }
  if (has(listing, ".gitignore", os::FileKind::kFile)) {
    KILN_CO_ASSIGN(stack, co_await push_file(context, *workspace, std::move(stack), path,
                                             path.child(".gitignore")));
  }
  co_return graph::Computed{graph::make_value(IgnoreRulesOf{std::move(stack)})};
}

}  // namespace kiln::intrinsics
