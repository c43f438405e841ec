// kiln GOAL... [SPEC...], kiln goal GOAL [SPEC...]
#include <algorithm>
#include <array>

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/option_parser.h"
#include "client/profile.h"
#include "client/running_work.h"
#include "common/ipc/wire_error.h"
#include "kiln/v1/goals.pb.h"

namespace kiln {

namespace {

constexpr int kTickMilliseconds = 100;

constexpr auto kGoals = std::to_array<std::string_view>({"list", "lint"});

constexpr std::string_view kSpecsAndExitCodes =
    "A spec is a path, DIR/ or DIR: (the files in a directory), DIR:: (and below), ::\n"
    "(everything), or a glob; -SPEC takes away. Several goals run in order, until one\n"
    "answers no.\n"
    "\n"
    "Exit code: 0 done, 1 the answer is no, 2 the command line is wrong, 125 if kiln itself\n"
    "failed.";

HelpText help_text(const std::string& goal) {
  const std::string specs(kSpecsAndExitCodes);
  if (goal == "list") {
    return {"kiln list", "[GOAL]... [OPTION]... [SPEC]...", "List the files that specs match.",
            specs, "kiln list ::\nkiln list src:: -src/generated::"};
  }
  if (goal == "lint") {
    return {"kiln lint", "[GOAL]... [OPTION]... [SPEC]...",
            "Run linters over the files that specs match.", specs,
            "kiln lint ::\nkiln lint --loop scripts::"};
  }
  return {"kiln goal", "GOAL [GOAL]... [OPTION]... [SPEC]...",
          "Run a goal by its name: also one that only this daemon has.",
          "`kiln rules list` shows the goals that there are.\n" + specs, "kiln goal greet"};
}

// "-dir::" and "-a/b.sh" are specs that take away; "-x" is an option.
bool is_excluding_spec(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-' && argument[1] != '-' &&
         argument.find_first_of(":/.*", 1) != std::string::npos &&
         argument.find('=') == std::string::npos;
}

// What the daemon says of a run of goals, shown as it comes.
class GoalFollower {
 public:
  // `profile` may be null.
  GoalFollower(Console& console, bool loop, ProfileWriter* profile)
      : console_(console), loop_(loop), profile_(profile) {}

  Result<void> take(std::string_view bytes) {
    v1::GoalEvent event;
    KILN_TRY(parse_message(bytes, event));
    switch (event.event_case()) {
      case v1::GoalEvent::kOutput:
        KILN_TRY(console_.write_stdout(event.output().stdout()));
        return console_.write_stderr(event.output().stderr());
      case v1::GoalEvent::kFinished:
        exit_code_ = event.finished().exit_code();
        wait_for_changes();
        return {};
      case v1::GoalEvent::kError:
        console_.say_error(from_wire(event.error()));
        wait_for_changes();
        return {};
      case v1::GoalEvent::kProgress:
        waiting_ = false;
        running_.take(event.progress(), RunningWork::Clock::now());
        if (profile_ != nullptr) profile_->add(event.progress());
        return {};
      case v1::GoalEvent::EVENT_NOT_SET:
        return {};  // of a newer daemon
    }
    return {};
  }

  // Now and then, on a terminal.
  void tick() {
    if (const auto line = running_.line(RunningWork::Clock::now())) {
      console_.show_status(*line);
    } else if (waiting_) {
      console_.show_status("waiting for changes; Ctrl-C ends");
    } else {
      console_.clear_status();
    }
  }

  std::optional<int> exit_code() const { return exit_code_; }

 private:
  void wait_for_changes() {
    waiting_ = loop_;
    tick();
  }

  Console& console_;
  const bool loop_;
  ProfileWriter* const profile_;
  RunningWork running_;
  bool waiting_ = false;  // in a loop, for something to change
  std::optional<int> exit_code_;
};

// What was typed after the name of a goal.
struct GoalOptions {
  std::vector<std::string> words;     // more goals, then specs
  std::vector<std::string> excluded;  // specs that take away
  CallerOptions caller;
  bool loop = false;
};

Result<v1::RunGoalsRequest> make_request(const Invocation& invocation, std::string goal,
                                         const GoalOptions& typed) {
  v1::RunGoalsRequest request;
  KILN_TRY(invocation.fill(*request.mutable_caller()));
  request.add_goals(std::move(goal));
  auto word = typed.words.begin();
  const auto is_goal = [](const std::string& text) {
    return std::find(kGoals.begin(), kGoals.end(), text) != kGoals.end();
  };
  for (; word != typed.words.end() && is_goal(*word); ++word) request.add_goals(*word);
  for (; word != typed.words.end(); ++word) request.add_specs(*word);
  for (const std::string& spec : typed.excluded) request.add_specs(spec);
  KILN_TRY(typed.caller.fill(*request.mutable_caller()));
  request.set_json(invocation.globals().json());
  return request;
}

Result<int> follow(Invocation& invocation, v1::RunGoalsRequest request, bool loop) {
  const bool live = invocation.console().live();
  if (live) request.set_events(v1::Event::INFO);
  std::optional<ProfileWriter> profile;
  if (const auto& path = invocation.globals().profile()) {
    KILN_ASSIGN(profile, ProfileWriter::open(*path));
    request.set_events(v1::Event::TRACE);
  }
  KILN_ASSIGN(Session * session, invocation.session());
  GoalFollower follower(invocation.console(), loop, profile ? &*profile : nullptr);
  if (live) session->set_ticker([&follower] { follower.tick(); }, kTickMilliseconds);
  const auto done =
      session->server_stream(loop ? "/kiln.v1.Goals/Watch" : "/kiln.v1.Goals/Run", request,
                             [&follower](std::string_view bytes) { return follower.take(bytes); });
  session->set_ticker(nullptr, -1);
  const auto profiled = profile ? profile->finish() : Result<void>();
  KILN_TRY(done);
  KILN_TRY(profiled);
  if (follower.exit_code()) return *follower.exit_code();
  return internal_error("the daemon ended a goal without an answer");
}

// Without a name, it is the first word.
Result<int> run(Invocation& invocation, std::string goal) {
  GoalOptions typed;
  typed.excluded = invocation.take_arguments(is_excluding_spec);
  OptionParser parser(help_text(goal));
  parser.positionals(typed.words, goal.empty() ? 1 : 0, 0);
  parser.flag("--loop", typed.loop, "run again whenever something that was read changes");
  typed.caller.add_to(parser);
  KILN_ASSIGN(const bool go, invocation.parse(parser, Invocation::Events::kProfile));
  if (!go) return 0;
  if (goal.empty()) {
    goal = std::move(typed.words.front());
    typed.words.erase(typed.words.begin());
  }
  KILN_ASSIGN(v1::RunGoalsRequest request, make_request(invocation, std::move(goal), typed));
  return follow(invocation, std::move(request), typed.loop);
}

}  // namespace

Result<int> run_list(Invocation& invocation) { return run(invocation, "list"); }
Result<int> run_lint(Invocation& invocation) { return run(invocation, "lint"); }
Result<int> run_goal(Invocation& invocation) { return run(invocation, ""); }

}  // namespace kiln
