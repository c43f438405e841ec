#include "daemon/intrinsics/files/change_router.h"

#include <algorithm>

#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/store/stores.h"

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

uint64_t ChangeRouter::forgotten() const {
  const graph::Graph* graph = graph_.load();
  return graph == nullptr ? 0 : graph->stats().forgotten;
}

bool ChangeRouter::needs(const std::string& directory) const {
  const graph::Graph* graph = graph_.load();
  if (graph == nullptr) return true;
  const std::vector<Place> places = workspaces_.containing(directory);
  return std::any_of(places.begin(), places.end(), [graph](const Place& place) {
    return graph->why(FsFunctions::watch_hash(*place.first, place.second)).has_value();
  });
}

void ChangeRouter::poll() {
  if (graph::Graph* graph = graph_.load()) graph->invalidate(polls_.poll());
}

void ChangeRouter::forget(const Hash128& node) {
  if (graph::Graph* graph = graph_.load()) graph->invalidate(std::span(&node, 1));
}

void ChangeRouter::note_loss(const graph::Context& reader, const Error& error) {
  note_loss(reader.key(), reader.run(), error);
}

bool ChangeRouter::note_loss(RunId run, const Error& error) {
  return note_loss(KeyEncoder("effect").add(run.value).hash(), run, error);
}

bool ChangeRouter::note_loss(const Hash128& reader, RunId run, const Error& error) {
  graph::Graph* graph = graph_.load();
  if (!store::is_loss(error) || graph == nullptr || !losses_.note(reader, run)) return false;
  std::vector<Hash128> hashes = losses_.hashes();
  add_everything(hashes);
  graph->invalidate(hashes);
  return true;
}

void ChangeRouter::add_everything(std::vector<Hash128>& hashes) {
  overflows_.fetch_add(1);
  hashes.push_back(FsFunctions::watch_hash(workspaces_.host(), RelPath()));
  for (const WorkspaceRef& workspace : workspaces_.all()) {
    hashes.push_back(FsFunctions::watch_hash(*workspace, RelPath()));
  }
}

void ChangeRouter::add_hashes(const watch::Change& change, const Place& place,
                              std::vector<Hash128>& hashes) {
  const auto& [workspace, directory] = place;
  if (change.kind == watch::Change::Kind::kDirectory) {
    if (directory.is_root()) workspace->set_missing(true);  // until it is found again
    hashes.push_back(FsFunctions::watch_hash(*workspace, directory));
    return;
  }
  const RelPath path = change.name.empty() ? directory : directory.child(change.name);
  hashes.push_back(FsFunctions::file_hash(*workspace, path));
  hashes.push_back(FsFunctions::metadata_hash(*workspace, path));
  if (change.name.empty()) {
    // The mode of the directory says whether it can be listed, and entered.
    hashes.push_back(FsFunctions::listing_hash(*workspace, directory));
    hashes.push_back(FsFunctions::watch_hash(*workspace, directory));
  }
  if (change.kind != watch::Change::Kind::kEntry) return;
  hashes.push_back(FsFunctions::listing_hash(*workspace, directory));
  hashes.push_back(FsFunctions::watch_hash(*workspace, path));
}

}  // namespace kiln::intrinsics
