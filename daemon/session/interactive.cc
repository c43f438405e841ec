#include "daemon/session/interactive.h"

#include <limits>
#include <utility>

#include "daemon/intrinsics/trees.h"
#include "daemon/session/digest_operations.h"
#include "daemon/session/polling.h"
#include "daemon/session/queries.h"

namespace kiln::session {

namespace {

Result<void> check(const InteractiveSpec& spec, const Run& run) {
  const ProcessSpec& process = spec.process;
  const auto refused = [](std::string_view what) {
    return user_error(ErrorCode::kInvalidArgument, "an interactive process has no " +
                                                       std::string(what) +
                                                       ": it runs in your terminal and nothing of "
                                                       "it is kept");
  };
  if (process.argv.empty() || process.argv.front().empty()) {
    return user_error(ErrorCode::kInvalidArgument, "a process needs a command: argv is empty");
  }
  if (!process.output_files.empty() || !process.output_directories.empty()) {
    return refused("outputs");
  }
  if (process.timeout_seconds > 0) return refused("time limit");
  if (process.sandbox == intrinsics::SandboxChoice::kStrict) {
    return user_error(ErrorCode::kUnsupported,
                      "an interactive process has a plain sandbox; strict is not supported for it");
  }
  if (!spec.run_in_workspace) return {};
  if (run.workspace() == nullptr) {
    return user_error(ErrorCode::kInvalidArgument,
                      "to run in the workspace a process needs a workspace root");
  }
  if (!process.input_digests.empty() || !process.input_globs.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "a process that runs in the workspace takes no inputs: it sees the "
                      "workspace itself");
  }
  return {};
}

// A bell has never rung so often: a wait for this ends with its token or its time.
constexpr uint64_t kNoChange = std::numeric_limits<uint64_t>::max();

// The client ends the process when it hears this. kUnavailable would tell it that the daemon is
// gone, and it would let the process go on.
Error cancelled() { return user_error(ErrorCode::kCancelled, "the process was cancelled"); }

class Interaction {
 public:
  Interaction(const Engine& engine, const Run& run, exec::InteractiveSandboxes& sandboxes,
              const InteractiveSpec& spec, InteractiveClient& client)
      : engine_(engine), run_(run), sandboxes_(sandboxes), spec_(spec), client_(client) {}

  Task<Result<int>> stay() {
    Result<int> ended = co_await interact();
    co_await give_back(std::move(previous_));
    co_await give_back(std::move(place_));
    co_return ended;
  }

 private:
  Task<Result<int>> interact() {
    for (;;) {
      seen_ = engine_.changes.rung();
      KILN_CO_TRY(co_await make_place());
      KILN_CO_TRY(co_await client_.start(*place_));
      KILN_CO_ASSIGN(InteractiveReplies::Reply ended, co_await reply());
      // The client has ended the process of the place before.
      co_await give_back(std::move(previous_));
      if (!ended) {
        KILN_CO_ASSIGN(ended, co_await until_ended_or_changed());
      }
      if (ended) co_return *std::move(ended);
      previous_ = std::move(place_);
    }
  }

  Task<Result<store::TreePtr>> inputs() const {
    KILN_CO_ASSIGN(store::TreePtr given,
                   co_await intrinsics::tree_of(engine_.store, engine_.home, engine_.blocking,
                                                spec_.process.input_digest));
    std::vector<store::TreePtr> trees = {std::move(given)};
    if (!spec_.process.input_globs.empty()) {
      PathGlobs globs{spec_.process.input_globs, GlobMatchError::kError, GlobConjunction::kAllMatch,
                      "the inputs of '" + spec_.process.title() + "'"};
      KILN_CO_ASSIGN(const Captured captured, co_await capture(engine_, run_, std::move(globs)));
      trees.push_back(captured.tree);
    }
    co_return co_await run_blocking(engine_.blocking, engine_.home, [&] {
      return merged(engine_.store, spec_.process.input_digests, std::move(trees));
    });
  }

  Task<Result<void>> make_place() {
    exec::InteractiveCommand command{spec_.process.argv, spec_.process.env, {}};
    KILN_CO_ASSIGN(
        command.working_directory,
        RelPath::parse(spec_.process.working_directory).with_context("as the working directory"));
    if (spec_.run_in_workspace) {
      place_ = sandboxes_.make_in(run_.workspace()->root(), command);
      co_return Result<void>();
    }
    KILN_CO_ASSIGN(tree_, co_await inputs());
    KILN_CO_ASSIGN(place_, co_await run_blocking(engine_.blocking, engine_.home, [&] {
                     return sandboxes_.make(command, tree_, run_.token());
                   }));
    co_return Result<void>();
  }

  // Giving a place back kills processes, which may take a moment.
  Task<void> give_back(std::unique_ptr<exec::InteractivePlace> place) const {
    if (place == nullptr) co_return;
    co_await run_blocking(engine_.blocking, engine_.home, [&] {
      place.reset();
      return true;
    });
  }

  Task<Result<InteractiveReplies::Reply>> reply() const {
    for (;;) {
      const std::stop_token next = client_.replies.next();
      if (run_.token().stop_requested()) co_return cancelled();
      if (auto reply = client_.replies.take()) co_return *std::move(reply);
      co_await engine_.changes.wait(kNoChange, kPollEvery, next);
    }
  }

  // How it ended; nothing if the inputs have changed.
  Task<Result<InteractiveReplies::Reply>> until_ended_or_changed() {
    for (;;) {
      const std::stop_token next = client_.replies.next();
      if (run_.token().stop_requested()) co_return cancelled();
      if (auto reply = client_.replies.take()) {
        if (*reply) co_return *std::move(reply);
        continue;
      }
      const bool watches = spec_.restartable && !spec_.run_in_workspace;
      co_await engine_.changes.wait(watches ? seen_ : kNoChange, kPollEvery, next);
      if (!watches || next.stop_requested()) continue;
      if (engine_.changes.rung() == seen_) poll_untold(engine_, run_);
      seen_ = engine_.changes.rung();
      // Inputs that cannot be captured now (a file is being replaced) may be there a moment later.
      const Result<store::TreePtr> now = co_await inputs();
      if (now.ok() && (*now)->digest() != tree_->digest()) co_return InteractiveReplies::Reply();
    }
  }

  const Engine& engine_;
  const Run& run_;
  exec::InteractiveSandboxes& sandboxes_;
  const InteractiveSpec& spec_;
  InteractiveClient& client_;

  uint64_t seen_ = 0;    // rings of the change bell that the inputs include
  store::TreePtr tree_;  // the inputs of place_
  std::unique_ptr<exec::InteractivePlace> place_;
  std::unique_ptr<exec::InteractivePlace> previous_;  // until its process has ended
};

}  // namespace

void InteractiveReplies::put(Reply reply) {
  std::stop_source waiter{std::nostopstate};
  state_.with([&](State& state) {
    state.replies.push_back(std::move(reply));
    waiter = state.waiter;
  });
  waiter.request_stop();
}

std::optional<InteractiveReplies::Reply> InteractiveReplies::take() {
  return state_.with([](State& state) -> std::optional<Reply> {
    if (state.replies.empty()) return std::nullopt;
    Reply reply = std::move(state.replies.front());
    state.replies.pop_front();
    return reply;
  });
}

std::stop_token InteractiveReplies::next() {
  return state_.with([](State& state) {
    state.waiter = std::stop_source();
    if (!state.replies.empty()) state.waiter.request_stop();
    return state.waiter.get_token();
  });
}

Task<Result<int>> run_interactive(const Engine& engine, const Run& run,
                                  exec::InteractiveSandboxes& sandboxes, InteractiveSpec spec,
                                  InteractiveClient client) {
  KILN_CO_TRY(check(spec, run));
  // A run that is cancelled wakes the waiter with a reply that is never read.
  const std::stop_callback wake(run.token(), [&client] { client.replies.put(std::nullopt); });
  Interaction interaction(engine, run, sandboxes, spec, client);
  co_return co_await interaction.stay();
}

}  // namespace kiln::session
