#include "daemon/graph/node_index.h"

#include <algorithm>

namespace kiln::graph {

void NodeIndex::insert(const Hash128& hash, NodeId node) {
  if (++count_ * 4 > entries_.size() * 3) grow();
  put({tag_of(hash), node});
}

void NodeIndex::put(Entry entry) {
  size_t at = home(entry.tag);
  while (entries_[at].node != 0) at = next(at);
  entries_[at] = entry;
}

void NodeIndex::grow() {
  std::vector<Entry> old(std::max(kLeast, entries_.size() * 2));
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.node != 0) put(entry);
  }
}

// Leaves no mark: whoever comes behind and may stand here moves up (Knuth, The Art of Computer
// Programming 6.4, algorithm R).
void NodeIndex::erase(const Hash128& hash, NodeId node) {
  size_t hole = home(tag_of(hash));
  while (entries_[hole].node != node) hole = next(hole);
  for (size_t at = next(hole); entries_[at].node != 0; at = next(at)) {
    const size_t from_home = (at - home(entries_[at].tag)) & mask();
    const size_t from_hole = (at - hole) & mask();
    if (from_home < from_hole) continue;
    entries_[hole] = entries_[at];
    hole = at;
  }
  entries_[hole] = Entry();
  --count_;
}

}  // namespace kiln::graph
