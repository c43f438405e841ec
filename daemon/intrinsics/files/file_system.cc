#include "daemon/intrinsics/files/file_system.h"

namespace kiln::intrinsics {

void FileSystem::look_again(graph::Graph& graph, const Workspace& workspace) {
  services_.router.overflows().fetch_add(1);
  const Hash128 root = FsFunctions::watch_hash(workspace, RelPath());
  graph.invalidate(std::span(&root, 1));
}

Task<Result<std::string>> FileSystem::explain_unmatched(Ask ask, const Workspace& workspace,
                                                        const GlobQuery& query, std::string glob) {
  if (glob.find_first_of("*?[\\") != std::string::npos) co_return std::string();
  const auto path = RelPath::parse(glob);
  if (!path.ok() || path->is_root()) co_return std::string();
  RelPath at;
  RelPath rest = *path;
  while (!rest.is_root()) {
    const std::string name = rest.str().substr(0, rest.str().find('/'));
    const RelPath next = at.child(name);
    auto listed = co_await ask(fs_.listing(workspace, at));
    if (!listed.ok()) co_return std::string();
    const os::DirEntry* entry = graph::value_as<DirectoryListing>(*listed).find(name);
    if (entry == nullptr) co_return std::string();
    const bool directory = entry->kind == os::FileKind::kDirectory;
    auto rules = co_await ask(ignore_.key(workspace, at));
    if (!rules.ok()) co_return std::string();
    auto match = graph::value_as<IgnoreRulesOf>(*rules).stack.match(next, directory);
    if (!match || !match->ignored) match = query.ignore->match(next.str(), directory);
    if (match && match->ignored) {
      co_return next.str() + " exists but is hidden by line " + std::to_string(match->line) +
          " of " + std::string(match->source) + " (" + std::string(match->pattern) + ")";
    }
    if (query.globs->excluded(next, directory)) {
      co_return next.str() + " exists but is excluded by a '!' glob";
    }
    if (!directory) co_return std::string();
    rest = rest.relative_to(RelPath::from_normalized(name));
    at = next;
  }
  co_return std::string();
}

}  // namespace kiln::intrinsics
