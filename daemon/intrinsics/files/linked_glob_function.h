// What globs select, with the content of directories that links lead to at the links' paths.
//
//   linked(root) ─ glob(root), loops ─ glob(each directory that is reached through links)
//               └─ linked(target) …    one node for each target and what is left to match there
//
// Trees of one target are shared, so that packages which link each other cost what they hold once.
// A link from whose target the globs come back to the link would have no end: a capture is refused
// and names it. Where only names are asked for, the circle is entered once and then left out, with
// a note.
#pragma once

#include <memory>
#include <string>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/glob_function.h"

namespace kiln::intrinsics {

class LinkedGlobFunction final : public graph::Function {
 public:
  explicit LinkedGlobFunction(const GlobFunction& glob);
  ~LinkedGlobFunction() override;

  // The whole workspace, as a query sees it: a GlobResult without links.
  graph::Key key(const Workspace& workspace, std::shared_ptr<const GlobQuery> query) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  graph::Key key_of(GlobInput input) const;

  const GlobFunction& glob_;
  const std::unique_ptr<graph::Function> loops_;
};

}  // namespace kiln::intrinsics
