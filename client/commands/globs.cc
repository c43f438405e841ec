#include "client/commands/globs.h"

#include "client/commands/caller_options.h"

namespace kiln {

void GlobOptions::add_to(OptionParser& parser, size_t least) {
  parser.positionals(globs, least, 0);
  parser.choice<v1::PathGlobs::MatchError>(
      "--error", "HOW", error,
      {{"ignore", v1::PathGlobs::IGNORE},
       {"warn", v1::PathGlobs::WARN},
       {"error", v1::PathGlobs::ERROR}},
      "what is done about a glob that matches nothing:\n{choices}");
  parser.value("--origin", "TEXT", origin,
               "where the globs come from, for that message;\n"
               "by default \"the command line\"");
  parser.flag("--all", all, "every glob must match, not just one");
}

void GlobOptions::add_workspace_to(OptionParser& parser) {
  add_to(parser);
  parser.flag("--no-ignore", no_ignore, "match what ignore rules hide, too");
  add_settings_to(parser, options);
}

Result<void> GlobOptions::fill(v1::PathGlobs& message) const {
  if (error.value == v1::PathGlobs::IGNORE && origin) {
    return user_error(ErrorCode::kInvalidArgument,
                      "--origin is for the message of --error warn or --error error; give one of "
                      "them, too");
  }
  message.mutable_globs()->Assign(globs.begin(), globs.end());
  message.set_match_error(error.value);
  message.set_no_ignore(no_ignore);
  message.set_conjunction(all ? v1::PathGlobs::ALL_MATCH : v1::PathGlobs::ANY_MATCH);
  if (error.value != v1::PathGlobs::IGNORE) {
    message.set_description_of_origin(origin.value_or("the command line"));
  }
  return {};
}

Result<void> GlobOptions::fill(v1::PathGlobs& message, const SpecResolver& paths) const {
  KILN_TRY(fill(message));
  for (std::string& glob : *message.mutable_globs()) {
    KILN_ASSIGN(glob, paths.glob(glob));
  }
  return {};
}

}  // namespace kiln
