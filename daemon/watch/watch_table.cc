#include "daemon/watch/watch_table.h"

#include <sys/inotify.h>

#include <algorithm>
#include <utility>

namespace kiln::watch {

namespace {

// What all paths below `directory` begin with.
std::string prefix_below(const std::string& directory) {
  return directory.ends_with('/') ? directory : directory + "/";
}

}  // namespace

Watch WatchTable::bind(const std::string& directory, int descriptor) {
  auto it = entries_.find(directory);
  if (it != entries_.end()) {
    if (it->second.descriptor == descriptor) return {it->second.id, descriptor != kNone};
    if (it->second.descriptor == kNone) {
      drop(it);  // it was looked at again at each request: nothing to report
    } else {
      forget(directory);
    }
  }
  it = entries_.insert_or_assign(directory, Entry{++last_id_, descriptor}).first;
  if (descriptor == kNone) {
    ++unwatched_;
  } else {
    by_descriptor_[descriptor].push_back(&it->first);
  }
  return {it->second.id, descriptor != kNone};
}

void WatchTable::forget(const std::string& directory) {
  if (auto it = entries_.find(directory); it != entries_.end()) {
    change(Change::Kind::kDirectory, it->first);
    drop(it);
  }
  const std::string prefix = prefix_below(directory);
  auto it = entries_.lower_bound(prefix);
  while (it != entries_.end() && it->first.starts_with(prefix)) {
    change(Change::Kind::kDirectory, it->first);
    it = drop(it);
  }
}

WatchTable::Entries::iterator WatchTable::drop(Entries::iterator entry) {
  const int descriptor = entry->second.descriptor;
  if (descriptor == kNone) {
    --unwatched_;
  } else if (auto found = by_descriptor_.find(descriptor); found != by_descriptor_.end()) {
    std::erase(found->second, &entry->first);
    if (found->second.empty()) retire(descriptor);
  }
  return entries_.erase(entry);
}

void WatchTable::retire(int descriptor) {
  by_descriptor_.erase(descriptor);
  retired_.insert(descriptor);
  orphans_.push_back(descriptor);
}

void WatchTable::apply(const os::InotifyEvent& event) {
  constexpr uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
  constexpr uint32_t kEntry = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  if ((event.mask & IN_Q_OVERFLOW) != 0) return overflow();
  if (retired_.contains(event.watch)) {
    if ((event.mask & IN_IGNORED) != 0) retired_.erase(event.watch);
    return;
  }
  const auto found = by_descriptor_.find(event.watch);
  if (found == by_descriptor_.end()) return;

  std::vector<std::string> directories;  // copies: forgetting changes the table
  for (const std::string* directory : found->second) directories.push_back(*directory);
  for (const std::string& directory : directories) {
    if ((event.mask & kGone) != 0) {
      forget(directory);
    } else if ((event.mask & kEntry) != 0) {
      change(Change::Kind::kEntry, directory, event.name);
      // Not only of directories: the way to a watched one may lead through a symlink.
      forget(prefix_below(directory) + std::string(event.name));
    } else {
      change(Change::Kind::kContent, directory, event.name);
    }
  }
  if ((event.mask & IN_IGNORED) != 0) retired_.erase(event.watch);
}

void WatchTable::overflow() {
  change(Change::Kind::kOverflow, {});
  retired_.clear();  // what they wait for may be among the lost
}

void WatchTable::remounted(const std::string& point) {
  const size_t slash = point.rfind('/');
  const std::string parent = slash == 0 ? "/" : point.substr(0, slash);
  if (entries_.contains(parent)) change(Change::Kind::kEntry, parent, point.substr(slash + 1));
  forget(point);
}

std::string WatchTable::release(const std::string& directory, size_t count,
                                const std::function<bool(const std::string&)>& needed) {
  auto it = entries_.upper_bound(directory);
  std::string last;
  for (; it != entries_.end() && count > 0; --count) {
    last = it->first;
    it = needed(it->first) ? std::next(it) : drop(it);
  }
  return it == entries_.end() ? std::string() : last;
}

void WatchTable::change(Change::Kind kind, std::string_view directory, std::string_view name) {
  if (!changes_.empty()) {
    const Change& last = changes_.back();
    if (last.kind == kind && last.name == name && last.directory == directory) return;
  }
  changes_.push_back({kind, std::string(directory), std::string(name)});
}

std::vector<Change> WatchTable::take_changes() { return std::exchange(changes_, {}); }

std::vector<int> WatchTable::take_orphans() { return std::exchange(orphans_, {}); }

bool WatchTable::is_active(const std::string& directory) const {
  const auto it = entries_.find(directory);
  return it != entries_.end() && it->second.descriptor != kNone;
}

}  // namespace kiln::watch
