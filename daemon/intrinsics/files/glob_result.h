// GlobResult: what globs select in a directory and below it.
// Threads: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/types/heap_bytes.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/os/glob.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

// More files and directories than this are refused. No workspace has so many; links that lead to
// one directory on many ways multiply what is in it.
inline constexpr uint64_t kMostSelected = 4'000'000;

struct GlobResult {
  // All paths are relative to the directory that the result is of.
  struct Note {
    RelPath path;
    std::string why;  // it was left out
    friend bool operator==(const Note&, const Note&) = default;
  };
  // A link to a directory whose content is not in `tree`.
  struct Link {
    RelPath path;
    RelPath target;                 // as the disk has it
    os::GlobState state;            // what is left to match there
    std::vector<uint32_t> matched;  // globs that match the link itself
    friend bool operator==(const Link&, const Link&) = default;
  };
  // The first entry that a glob would have selected, or looked into, but for `why`.
  struct Hidden {
    uint32_t glob = 0;
    RelPath path;
    std::string why;  // "is hidden by line 3 of .gitignore (build/)"
    friend bool operator==(const Hidden&, const Hidden&) = default;
  };

  store::TreePtr tree;
  std::vector<uint32_t> matched;  // globs that matched something, indices sorted
  std::vector<Note> notes;
  std::vector<Link> links;
  std::vector<Hidden> hidden;  // sorted by glob, one for each; none for what matched
  uint64_t entries = 0;        // of the tree and of all below it

  void add_matched(const std::vector<uint32_t>& more);
  void add_hidden(Hidden entry);
  // Takes over all but the tree and the links of what stands at `path`.
  void add_findings(const RelPath& path, const GlobResult& below);
  // The end: what matched is not also hidden.
  void settle();

  friend bool operator==(const GlobResult& a, const GlobResult& b);
};
size_t footprint(const GlobResult& result);

// The includes of the query that matched nothing.
std::vector<std::string> unmatched_globs(const GlobQuery& query, const GlobResult& result);
// "left out d/l: the link leads out of the workspace"
std::vector<std::string> note_lines(const GlobResult& result);
// Why `glob`, an include of the query that matched nothing, did not: a line, or nothing.
std::string why_unmatched(const GlobQuery& query, const GlobResult& result,
                          const std::string& glob);

}  // namespace kiln::intrinsics
