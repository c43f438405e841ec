// LinkLoops: where a query could follow links without ever coming to an end.
//
// A link loops if the globs lead from its target back to the link. Such links, and the directories
// that they lead to, form circles: what is in a circle is reached from all that is in it. A circle
// is entered, and left out is the link that a walk meets when it is in the circle already. That
// depends on where the walk began and not on the way there, and finding out costs what the links
// and the directories that they lead to are, not the number of ways through them.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/glob_function.h"

namespace kiln::intrinsics {

struct LinkLoops {
  // A directory or a link by its path on the disk, and what is left to match in or behind it.
  using Place = std::pair<RelPath, os::GlobState>;
  using Places = std::map<Place, uint32_t>;  // with the number of the circle that it is in
  Places starts;                             // directories that links lead to
  Places links;
  // Whether a walk that began at `start` is in the circle of `link`.
  bool loops(const Place& start, const Place& link) const;
  friend bool operator==(const LinkLoops&, const LinkLoops&) = default;
};
size_t footprint(const LinkLoops& loops);

// The function whose values are LinkLoops. It fails for a capture in which a link loops.
std::unique_ptr<graph::Function> make_link_loops(const GlobFunction& glob);
// `root`: what the query begins with.
graph::Key link_loops_key(const graph::Function& function, GlobInput root);

}  // namespace kiln::intrinsics
