#include "client/commands/globs.h"

#include "client/command_line.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

void GlobOptions::add_to(OptionParser& parser, size_t least) {
  parser.positionals(globs, least, 0);
  parser.value("--error", "HOW", error,
               "what an unmatched glob is: ignore (default), warn or error");
  parser.value("--origin", "TEXT", origin,
               "where the globs come from, for that message;\n"
               "by default \"the command line\"");
  parser.flag("--all", all, "every glob must match, not just one");
}

Result<void> GlobOptions::fill(v1::PathGlobs& message) const {
  KILN_ASSIGN(const auto match_error,
              choose<v1::PathGlobs::MatchError>("--error", error.value_or("ignore"),
                                                {{"ignore", v1::PathGlobs::IGNORE},
                                                 {"warn", v1::PathGlobs::WARN},
                                                 {"error", v1::PathGlobs::ERROR}}));
  if (match_error == v1::PathGlobs::IGNORE && origin) {
    return user_error(ErrorCode::kInvalidArgument,
                      "--origin is for the message of --error warn or --error error; give one of "
                      "them, too");
  }
  message.mutable_globs()->Assign(globs.begin(), globs.end());
  message.set_match_error(match_error);
  message.set_conjunction(all ? v1::PathGlobs::ALL_MATCH : v1::PathGlobs::ANY_MATCH);
  if (match_error != v1::PathGlobs::IGNORE) {
    message.set_description_of_origin(origin.value_or("the command line"));
  }
  return {};
}

}  // namespace kiln
