// The part of one directory, and of everything below it, that globs select: as a tree in the store.
//
// One node for each directory in which something can still match, so that an edit re-runs the
// directories on its path and nothing else. Links to files and directories inside the workspace
// are followed: what they lead to stands at the link's path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/intrinsics/files/ignore_function.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

struct GlobInput {
  WorkspaceRef workspace;
  std::shared_ptr<const GlobQuery> query;
  RelPath path;         // as the globs see it
  RelPath real;         // as the disk has it; differs below followed links
  os::GlobState state;  // what is left to match
  // Directories entered through links on the way here, with the state there: to enter one of them
  // again in the same state would never end.
  struct Visit {
    RelPath real;
    os::GlobState state;
    friend bool operator==(const Visit&, const Visit&) = default;
  };
  std::vector<Visit> links;
  friend bool operator==(const GlobInput&, const GlobInput&) = default;
};
size_t footprint(const GlobInput& input);

struct GlobResult {
  store::TreePtr tree;
  std::vector<uint32_t> matched;   // globs that matched something, indices sorted
  std::vector<std::string> notes;  // entries that were left out, and why
  friend bool operator==(const GlobResult& a, const GlobResult& b) {
    return a.tree->digest() == b.tree->digest() && a.matched == b.matched && a.notes == b.notes;
  }
};

inline size_t footprint(const GlobResult& result) {
  return result.tree->bytes() + heap_bytes(result.matched) + heap_bytes(result.notes);
}

// The includes of the query that matched nothing.
std::vector<std::string> unmatched_globs(const GlobQuery& query, const GlobResult& result);

class GlobFunction final : public graph::Function {
 public:
  GlobFunction(const FsFunctions& fs, const IgnoreFunction& ignore) : fs_(fs), ignore_(ignore) {}

  // The whole workspace, as a query sees it.
  graph::Key key(const Workspace& workspace, std::shared_ptr<const GlobQuery> query) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  struct Pending;
  graph::Key key_of(GlobInput input) const;
  // Decides what one entry of the directory contributes; what must be asked for goes to `pending`.
  Task<Result<void>> consider(graph::Context& context, const GlobInput& input,
                              const os::IgnoreStack& git, const os::DirEntry& entry,
                              Pending& pending) const;
  // Of a link at `path`: what it leads to.
  Task<Result<void>> follow(graph::Context& context, const GlobInput& input, const RelPath& path,
                            os::GlobSet::Step step, Pending& pending) const;
  // A directory through a link, unless that would never end.
  Result<void> enter(const GlobInput& input, const RelPath& path, const RelPath& target,
                     os::GlobSet::Step step, Pending& pending) const;
  // What stands at `path` for the globs, and at `real` on the disk.
  void add_file(const GlobInput& input, const RelPath& path, const RelPath& real,
                std::vector<uint32_t> matched, Pending& pending) const;
  void add_directory(GlobInput below, std::vector<uint32_t> matched, Pending& pending) const;
  // What a capture is refused for is left out, and noted, where names are asked for alone.
  static Result<void> leave_out(const GlobInput& input, const RelPath& path, std::string_view why,
                                Pending& pending, std::string refusal);

  const FsFunctions& fs_;
  const IgnoreFunction& ignore_;
};

}  // namespace kiln::intrinsics
