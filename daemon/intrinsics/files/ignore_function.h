// What is left out of a directory: what git ignores, and what is never an input.
//
// One node for each directory: its parent's rules, and its own .gitignore on top. The root's node
// starts with the rules of the repository that it lies in, down from the top of its work tree. A
// directory that is the top of another work tree starts anew with that repository's rules. The
// option `ignore` is kept apart, because it hides what git would show and never the other way
// round.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/git_functions.h"
#include "daemon/os/ignore.h"

namespace kiln::intrinsics {

struct IgnoreRulesOf {
  os::IgnoreStack stack;
  // The rule that ignores the directory itself, or one that it is in. Of what is in it, only
  // tracked files are shown. Never set for the workspace root: a root is named by its caller.
  struct Reason {
    std::string directory;  // that the rule matches
    std::string rule;       // "line 3 of .gitignore (build/)"
    friend bool operator==(const Reason&, const Reason&) = default;
  };
  std::shared_ptr<const Reason> ignored;
  // It is, or is in, git's own directory or one of kiln's: nothing in it is an input.
  bool barred = false;
  RelPath real;  // its path below the root of the host, without symlinks
  std::shared_ptr<const GitRepository> repository;  // null if it is in none
  std::vector<std::string> own;                     // the names of kiln's own directories in it

  // Whether an entry of this name is never an input.
  bool bars(std::string_view name) const;
  friend bool operator==(const IgnoreRulesOf& a, const IgnoreRulesOf& b);
};
size_t footprint(const IgnoreRulesOf& rules);

std::string rule_text(const os::IgnoreRules::Match& match);

class IgnoreFunction final : public graph::Function {
 public:
  // `own_directories`: absolute and without symlinks; kiln writes there what nobody means to read.
  IgnoreFunction(const FsFunctions& fs, const GitFunctions& git,
                 std::vector<std::string> own_directories);

  graph::Key key(const Workspace& workspace, const RelPath& directory) const;
  // Whether git tracks the entry `name` of the directory that `rules` are of.
  Task<Result<bool>> tracks(graph::Context& context, const IgnoreRulesOf& rules,
                            std::string_view name) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  Task<Result<IgnoreRulesOf>> rules_of_root(graph::Context& context,
                                            const Workspace& workspace) const;
  Task<Result<IgnoreRulesOf>> rules_below(graph::Context& context, const Workspace& workspace,
                                          const RelPath& path, const IgnoreRulesOf& parent) const;
  // The repository whose work tree begins in `directory`, or null.
  Task<Result<std::shared_ptr<const GitRepository>>> repository(graph::Context& context,
                                                                const RelPath& directory) const;
  // Puts the directory's own .gitignore on top, and notes which of its entries are kiln's own.
  Task<Result<void>> add_own(graph::Context& context, const Workspace& workspace,
                             const RelPath& path, IgnoreRulesOf& rules) const;

  const FsFunctions& fs_;
  const GitFunctions& git_;
  const std::vector<std::string> own_directories_;
};

}  // namespace kiln::intrinsics
