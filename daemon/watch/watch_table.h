// WatchTable: which directory is watched by which watch descriptor, and what an event means.
//
// What:    a plain class without system calls: events go in, changes and descriptors to give back
//          come out. One inode has one watch descriptor, whatever paths it was reached by, so a
//          descriptor stands for a set of paths.
// Threads: single-owner.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/os/inotify.h"
#include "daemon/watch/watcher.h"

namespace kiln::watch {

class WatchTable {
 public:
  // In place of a watch descriptor, where a directory got none.
  static constexpr int kNone = -1;

  // `directory` is what `descriptor` watches now. The watch it had stays if it is the same;
  // otherwise the directory that was read under the old one is another: forget(), and a new id.
  Watch bind(const std::string& directory, int descriptor);
  // `directory` is not what it was: drops the watches on it and on everything below it, and
  // reports kDirectory for each.
  void forget(const std::string& directory);
  void apply(const os::InotifyEvent& event);
  void overflow();
  // Something else is mounted at `point` now, or nothing any more: as if the entry of that name
  // were another.
  void remounted(const std::string& point);
  // Drops, without a word, those of `count` directories for which `needed` says no, from the first
  // after `directory` on. Returns the last that was looked at; empty: the end was reached.
  std::string release(const std::string& directory, size_t count,
                      const std::function<bool(const std::string&)>& needed);

  // What was found since the last call, in order, without consecutive equal changes.
  std::vector<Change> take_changes();
  // Descriptors that no directory needs any more: to be given back to the kernel before others
  // are bound. Some are gone already.
  std::vector<int> take_orphans();

  bool is_active(const std::string& directory) const;
  size_t descriptors() const { return by_descriptor_.size(); }
  size_t unwatched() const { return unwatched_; }

 private:
  struct Entry {
    uint64_t id = 0;
    int descriptor = kNone;
  };
  using Entries = std::map<std::string, Entry>;

  void change(Change::Kind kind, std::string_view directory, std::string_view name = {});
  Entries::iterator drop(Entries::iterator entry);
  // Nobody watches by `descriptor` any more; until its IN_IGNORED, its events are stale.
  void retire(int descriptor);

  uint64_t last_id_ = 0;
  size_t unwatched_ = 0;  // entries with kNone
  Entries entries_;
  std::unordered_map<int, std::vector<const std::string*>> by_descriptor_;  // keys of entries_
  // The kernel numbers watches upwards and starts over at the end of int. What is queued for a
  // descriptor before its IN_IGNORED was meant for the directory it watched then.
  std::unordered_set<int> retired_;
  std::vector<int> orphans_;
  std::vector<Change> changes_;
};

}  // namespace kiln::watch
