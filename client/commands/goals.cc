// kiln GOAL... [SPEC...]
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/commands/exec_interactive.h"
#include "client/commands/help.h"
#include "client/goal_follower.h"
#include "client/option_parser.h"
#include "client/rule_chain.h"
#include "client/specs.h"
#include "common/types/rel_path.h"
#include "kiln/v1/goals.pb.h"

namespace kiln {

namespace {

constexpr int kTickMilliseconds = 100;

HelpText help_text(const GoalName& goal) {
  const std::string command = "kiln " + goal.name;
  return {command,
          "[GOAL]... [OPTION]... [SPEC]...",
          goal.summary,
          "A spec is a path (of a directory: the files in it), DIR/ or DIR: (the same), DIR::\n"
          "(all below), ::  (the whole workspace), or a glob; -SPEC takes away. Paths are\n"
          "relative to the current directory, and so are those that are printed; //PATH is\n"
          "from the workspace root, and :: the same everywhere. Words after -- are names of\n"
          "files, also those that begin with \"-\", unless specs stand before it.\n"
          "A file that is named like a goal is ./NAME. Several goals run in order, until one\n"
          "answers no.",
          command + " ::\n" + command + " --loop src:: -src/generated::",
          {kDone, kAnswerIsNo, kWrongCommandLine, kKilnFailed}};
}

// What was typed after the name of a goal.
struct GoalOptions {
  std::vector<std::string> words;     // more goals, then specs
  std::vector<std::string> after;     // behind "--": specs that take nothing away
  std::vector<std::string> excluded;  // specs that take away
  CallerOptions caller;
  bool loop = false;
  bool skip_missing = false;
  bool null_terminated = false;
};

bool has_option(const Invocation& invocation, std::string_view option) {
  const auto& arguments = invocation.arguments();
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, option) != end;
}

Error bare_exclusion(const std::string& goal, const std::string& argument) {
  return user_error(ErrorCode::kInvalidArgument,
                    goal + ": unknown option " + argument +
                        "\n  a spec that takes away needs a path: -./" + argument.substr(1) +
                        " or " + argument + ":");
}

// "-nofile": neither an option nor, without a path in it, a spec.
Result<void> refuse_bare_exclusions(const Invocation& invocation, const std::string& goal) {
  for (const std::string& argument : invocation.arguments()) {
    if (argument == "--") break;
    if (argument.size() < 3 || argument[0] != '-' || argument[1] == '-') continue;
    return bare_exclusion(goal, argument);
  }
  return {};
}

bool could_name_a_goal(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// Whether a word after the name of a goal is the name of another. Goals that do not come with kiln
// are asked for, unless the word is a file here.
class GoalWords {
 public:
  GoalWords(Invocation& invocation, RuleNames known)
      : invocation_(invocation), known_(std::move(known)) {}

  Result<bool> contain(const std::string& word) {
    if (word == "list" || word == "lint") return true;
    if (!could_name_a_goal(word) || ::access(word.c_str(), F_OK) == 0) return false;
    if (known_.goals.empty()) {
      KILN_ASSIGN(Session * session, invocation_.session());
      KILN_ASSIGN(known_, ask_rule_names(*session));
    }
    return known_.find_goal(word) != nullptr;
  }

 private:
  Invocation& invocation_;
  RuleNames known_;
};

// Whether a spec names one file or directory, and that is not there.
bool is_missing(const std::string& root, const std::string& resolved) {
  if (resolved.find_first_of("*?[") != std::string::npos || resolved.ends_with(':')) return false;
  struct stat st;
  return ::lstat((root + "/" + resolved).c_str(), &st) != 0 && errno == ENOENT;
}

Result<void> add_specs(Invocation& invocation, const GoalOptions& typed,
                       std::vector<std::string> words, v1::RunGoalsRequest& request) {
  if (!typed.after.empty() && words.size() + typed.excluded.size() > 0) {
    return user_error(ErrorCode::kInvalidArgument,
                      request.goals(0) + ": passthrough arguments after -- are not supported yet");
  }
  for (const std::string& word : typed.after) {
    words.push_back(word.starts_with('-') ? "./" + word : word);
  }
  KILN_ASSIGN(const SpecResolver resolver, invocation.paths());
  for (const std::string& word : words) {
    KILN_ASSIGN(std::string spec, resolver.resolve(word));
    if (typed.skip_missing && is_missing(request.caller().workspace_root(), spec)) {
      invocation.console().say("skipped, as it does not exist: " + printable(word));
      continue;
    }
    request.add_specs(std::move(spec));
  }
  for (const std::string& spec : typed.excluded) {
    KILN_ASSIGN(*request.add_specs(), resolver.resolve(spec));
  }
  request.set_working_directory(resolver.here());
  return {};
}

Result<v1::RunGoalsRequest> make_request(Invocation& invocation, const GoalOptions& typed,
                                         const std::string& goal, GoalWords known) {
  v1::RunGoalsRequest request;
  KILN_TRY(invocation.fill(*request.mutable_caller()));
  request.add_goals(goal);
  auto word = typed.words.begin();
  for (; word != typed.words.end(); ++word) {
    KILN_ASSIGN(const bool is_goal, known.contain(*word));
    if (!is_goal) break;
    request.add_goals(*word);
  }
  KILN_TRY(add_specs(invocation, typed, {word, typed.words.end()}, request));
  KILN_TRY(typed.caller.fill(*request.mutable_caller()));
  request.set_json(invocation.globals().json());
  request.set_interactive(true);
  request.set_null_terminated(typed.null_terminated);
  return request;
}

// That nothing had to run is told only to those who are told of progress, and not of a mere list.
bool tells_summary(const Console& console, const v1::RunGoalsRequest& request,
                   const WorkTally& tally) {
  if (request.json() || !console.tells_summaries()) return false;
  return tally.done() != 0 || (console.tells_results() && request.goals(0) != "list");
}

Result<int> follow(Invocation& invocation, v1::RunGoalsRequest request, bool loop) {
  const bool live = invocation.console().live();
  // The waits for a slot are of interest only to who shows what runs right now.
  if (invocation.console().tells_summaries()) {
    request.set_events(live ? v1::Event::DEBUG : v1::Event::INFO);
  }
  std::optional<ProfileWriter> profile;
  if (const auto& path = invocation.globals().profile()) {
    KILN_ASSIGN(profile, ProfileWriter::open(*path, invocation.interrupt()));
    request.set_events(v1::Event::TRACE);
  }
  KILN_ASSIGN(Session * session, invocation.session());
  GoalFollower follower(
      invocation.console(), loop, profile ? &*profile : nullptr,
      [&invocation](uint64_t offer) { return run_offered_process(invocation, offer); });
  if (live) session->set_ticker([&follower] { follower.tick(); }, kTickMilliseconds);
  auto done =
      session->server_stream(loop ? "/kiln.v1.Goals/Watch" : "/kiln.v1.Goals/Run", request,
                             [&follower](std::string_view bytes) { return follower.take(bytes); });
  session->set_ticker(nullptr, -1);
  const auto profiled = profile ? profile->finish() : Result<void>();
  if (!done.ok()) return with_rule_chain(done.error());
  if (!profiled.ok()) return profiled.error();
  invocation.console().clear_status();
  if (tells_summary(invocation.console(), request, follower.tally())) {
    invocation.console().say(follower.tally().summary(invocation.seconds()));
  }
  if (follower.exit_code()) return *follower.exit_code();
  return internal_error("the daemon ended a goal without an answer");
}

// Whether all specs were skipped. Without any, the daemon says that one is needed.
bool nothing_is_left(const GoalOptions& typed, const v1::RunGoalsRequest& request) {
  const auto size = [](const auto& list) { return static_cast<size_t>(list.size()); };
  const size_t named = size(typed.words) + 1 - size(request.goals()) + size(typed.after);
  return named > 0 && size(request.specs()) == size(typed.excluded);
}

}  // namespace

Result<int> run_goal(Invocation& invocation, const GoalName& goal, RuleNames known) {
  GoalOptions typed;
  // Help is what the parser prints; as data it is printed here.
  const bool as_data =
      has_option(invocation, "--json") && !invocation.take_arguments(is_help).empty();
  typed.excluded = invocation.take_arguments(is_excluding_spec);
  KILN_TRY(refuse_bare_exclusions(invocation, goal.name));
  typed.after = invocation.take_after_dashes();
  OptionParser parser(help_text(goal));
  parser.positionals(typed.words, 0, 0);
  parser.flag("--loop", typed.loop, "run again whenever something that was read changes");
  parser.flag("--skip-missing", typed.skip_missing,
              "leave out paths that do not exist, such as the\n"
              "deleted ones of `git diff --name-only`");
  if (goal.name == "list") {
    parser.flag("-z,--null", typed.null_terminated, "end each name with a NUL byte, for xargs -0");
  }
  typed.caller.add_to(parser);
  KILN_ASSIGN(const bool go, invocation.parse(parser, Invocation::Events::kProfile));
  if (as_data) {
    KILN_TRY(print_goal_json(invocation, goal.name, parser.help(), typed.caller));
    return 0;
  }
  if (!go) {
    KILN_TRY(print_goal_options(invocation, goal.name, typed.caller));
    return 0;
  }
  KILN_ASSIGN(v1::RunGoalsRequest request,
              make_request(invocation, typed, goal.name, GoalWords(invocation, std::move(known))));
  if (typed.skip_missing && nothing_is_left(typed, request)) return 0;
  return follow(invocation, std::move(request), typed.loop);
}

Result<int> run_list(Invocation& invocation) {
  return run_goal(invocation, {"list", "List the files that specs match."}, {});
}
Result<int> run_lint(Invocation& invocation) {
  return run_goal(invocation, {"lint", "Run linters over the files that specs match."}, {});
}

}  // namespace kiln
