// Which paths of a directory git (and the option `ignore`) would hide.
//
// One node a directory: its parent's rules, and its own .gitignore on top; the root's node starts
// from .git/info/exclude. The option is kept apart, because it hides what git would show and never
// the other way round.
#pragma once

#include <memory>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/os/ignore.h"

namespace kiln::intrinsics {

struct IgnoreRulesOf {
  os::IgnoreStack stack;
  friend bool operator==(const IgnoreRulesOf&, const IgnoreRulesOf&) = default;
};

class IgnoreFunction final : public graph::Function {
 public:
  explicit IgnoreFunction(const FsFunctions& fs) : fs_(fs) {}

  graph::Key key(const Workspace& workspace, const RelPath& directory) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  // `stack` with the rules of the file `path` on top, if there is one.
  Task<Result<os::IgnoreStack>> push_file(graph::Context& context, const Workspace& workspace,
                                          os::IgnoreStack stack, RelPath base, RelPath path) const;

  const FsFunctions& fs_;
};

}  // namespace kiln::intrinsics
