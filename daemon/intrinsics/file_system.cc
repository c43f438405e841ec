#include "daemon/intrinsics/file_system.h"

namespace kiln::intrinsics {

void ChangeRouter::changed(std::span<const watch::Change> changes) {
  graph::Graph* graph = graph_.load();
  if (graph == nullptr) return;
  std::vector<Hash128> hashes;
  // Changes come in swarms, many to a directory.
  const std::string* directory = nullptr;
  std::vector<Place> places;
  for (const watch::Change& change : changes) {
    if (change.kind == watch::Change::Kind::kOverflow) {
      add_everything(hashes);
      continue;
    }
    if (directory == nullptr || *directory != change.directory) {
      directory = &change.directory;
      places = workspaces_.containing(*directory);
      // A leaf is there only if the watch of its directory is.
      std::erase_if(places, [&](const Place& place) {
        return !graph->why(FsFunctions::watch_hash(*place.first, place.second));
      });
    }
    for (const Place& place : places) add_hashes(change, place, hashes);
  }
  graph->invalidate(hashes);
  if (ChangeBell* bell = bell_.load()) bell->ring();
}

void ChangeRouter::forget(const Hash128& node) {
  if (graph::Graph* graph = graph_.load()) graph->invalidate(std::span(&node, 1));
}

void ChangeRouter::note_loss(const graph::Context& reader, const Error& error) {
  graph::Graph* graph = graph_.load();
  const bool lost = error.code() == ErrorCode::kNotFound && error.blame() == Blame::kEnvironment;
  if (!lost || graph == nullptr || !losses_.note(reader.key(), reader.run())) return;
  std::vector<Hash128> hashes = losses_.hashes();
  add_everything(hashes);
  graph->invalidate(hashes);
}

void ChangeRouter::add_everything(std::vector<Hash128>& hashes) {
  overflows_.fetch_add(1);
  hashes.push_back(FsFunctions::watch_hash(workspaces_.host(), RelPath()));
  for (const Workspace* workspace : workspaces_.all()) {
    hashes.push_back(FsFunctions::watch_hash(*workspace, RelPath()));
  }
}

void ChangeRouter::add_hashes(const watch::Change& change, const Place& place,
                              std::vector<Hash128>& hashes) {
  const auto& [workspace, directory] = place;
  if (change.kind == watch::Change::Kind::kDirectory) {
    hashes.push_back(FsFunctions::watch_hash(*workspace, directory));
    return;
  }
  const RelPath path = change.name.empty() ? directory : directory.child(change.name);
  hashes.push_back(FsFunctions::file_hash(*workspace, path));
  hashes.push_back(FsFunctions::metadata_hash(*workspace, path));
  if (change.kind != watch::Change::Kind::kEntry) return;
  hashes.push_back(FsFunctions::listing_hash(*workspace, directory));
  hashes.push_back(FsFunctions::watch_hash(*workspace, path));
}

void FileSystem::look_again(graph::Graph& graph, const Workspace& workspace) {
  services_.overflows.fetch_add(1);
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
