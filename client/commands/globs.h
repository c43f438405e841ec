// The options of the commands that take globs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/option_parser.h"
#include "client/specs.h"
#include "common/base/result.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

inline constexpr std::string_view kGlobHelp =
    "Globs are relative to the current directory, or from the workspace root as //GLOB: *\n"
    "and ? within a name, [abc], ** for any number of directories, !GLOB excludes. What\n"
    "exists by the very name is meant by it.";
// Of the commands that read the workspace.
inline constexpr std::string_view kIgnoreHelp =
    "\nWildcards do not match what git ignores, nor what the option GLOBAL.ignore hides.";
// Of what is in a stored tree.
inline constexpr std::string_view kTreeGlobHelp =
    "Globs are relative to the tree: * and ? within a name, [abc], ** for any number of\n"
    "directories, !GLOB excludes.";

struct GlobOptions {
  std::vector<std::string> globs;
  Chosen<v1::PathGlobs::MatchError> error = {v1::PathGlobs::IGNORE};
  std::optional<std::string> origin;
  bool all = false;
  bool no_ignore = false;
  std::vector<std::string> options;  // SCOPE.NAME=VALUE

  // The positionals are the globs; at least `least`.
  void add_to(OptionParser& parser, size_t least = 1);
  // And what is of use in a workspace alone.
  void add_workspace_to(OptionParser& parser);
  Result<void> fill(v1::PathGlobs& message) const;
  // Globs of the workspace: as they are typed here.
  Result<void> fill(v1::PathGlobs& message, const SpecResolver& paths) const;
};

}  // namespace kiln
