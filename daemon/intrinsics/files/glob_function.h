// The part of one directory, and of what lies below it, that globs select: as a tree in the store.
//
// One node for each directory in which something can still match, so that an edit re-runs the
// directories on its path and nothing else. A link to a file inside the workspace is followed: the
// content stands at the link's path. A link to a directory is only listed in the result; who puts
// its content there is LinkedGlobFunction. So a node depends on the directory and on what is left
// to match, and not on the way on which it was reached: however many links lead to a directory, it
// is walked once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/intrinsics/files/glob_result.h"
#include "daemon/intrinsics/files/ignore_function.h"

namespace kiln::intrinsics {

struct GlobInput {
  WorkspaceRef workspace;
  std::shared_ptr<const GlobQuery> query;
  RelPath real;         // the directory as the disk has it
  os::GlobState state;  // what is left to match
  friend bool operator==(const GlobInput&, const GlobInput&) = default;
};
size_t footprint(const GlobInput& input);
// Of a node `function` with this input.
Hash128 hash_of(std::string_view function, const GlobInput& input);

class GlobFunction final : public graph::Function {
 public:
  GlobFunction(const FsFunctions& fs, const IgnoreFunction& ignore) : fs_(fs), ignore_(ignore) {}

  // A GlobResult, with the links to directories that are still to be followed.
  graph::Key key(GlobInput input) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  struct Walk;
  struct Place;
  // Decides what one entry of the directory contributes.
  Task<Result<void>> consider(Walk& walk, const os::DirEntry& entry) const;
  // Of a link `name`: what it leads to.
  Task<Result<void>> follow(Walk& walk, const std::string& name, os::GlobSet::Step step) const;
  // Takes out of `step` what a rule hides at `real`, which stands in `place`. `name` is what it is
  // called in the directory that is walked.
  Task<Result<void>> hide(Walk& walk, const Place& place, const RelPath& real, bool directory,
                          const std::string& name, os::GlobSet::Step& step) const;

  const FsFunctions& fs_;
  const IgnoreFunction& ignore_;
};

}  // namespace kiln::intrinsics
