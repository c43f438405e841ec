// LinkLoops: the links that a query can follow without ever coming to an end.
//
// A link loops if the globs lead from its target back to the link. Where one came from does not
// matter, so a link loops everywhere or nowhere, and finding out costs what the links and the
// directories that they lead to are, not the number of ways through them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/glob_function.h"

namespace kiln::intrinsics {

struct LinkLoops {
  // A link by its path on the disk, and what is left to match behind it.
  using Link = std::pair<RelPath, os::GlobState>;
  std::vector<Link> links;  // sorted
  bool contains(const RelPath& path, const os::GlobState& state) const;
  friend bool operator==(const LinkLoops&, const LinkLoops&) = default;
};
size_t footprint(const LinkLoops& loops);

// The function whose values are LinkLoops. It fails for a capture in which a link loops.
std::unique_ptr<graph::Function> make_link_loops(const GlobFunction& glob);
// `root`: what the query begins with.
graph::Key link_loops_key(const graph::Function& function, GlobInput root);

}  // namespace kiln::intrinsics
