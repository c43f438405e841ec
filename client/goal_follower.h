// GoalFollower: what the daemon says of a run of goals, shown as it comes.
//
// What:   output as it is (on a terminal without its control characters), with results and warnings
//         in their colours; on a terminal what runs right now.
// Threads: single-owner.
// Fails:   with what kept the console from writing; an error of a goal is shown, not returned.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "client/console.h"
#include "client/profile.h"
#include "client/running_work.h"
#include "common/base/result.h"
#include "kiln/v1/goals.pb.h"

namespace kiln {

class GoalFollower {
 public:
  // Runs a process that a goal offers, by the offer's number.
  using Interact = std::function<Result<void>(uint64_t offer)>;

  // `profile` may be null. `loop`: after each answer more is waited for.
  GoalFollower(Console& console, bool loop, ProfileWriter* profile, Interact interact)
      : console_(console), loop_(loop), profile_(profile), interact_(std::move(interact)) {}

  // One v1::GoalEvent.
  Result<void> take(std::string_view bytes);
  // Now and then, on a terminal.
  void tick();
  // Of the whole request, once it is over.
  const WorkTally& tally() const { return running_.tally(); }

  std::optional<int> exit_code() const { return exit_code_; }

 private:
  Result<void> show(const v1::GoalOutput& output);
  Result<void> show_talk(std::string_view lines);
  void wait_for_changes();

  Console& console_;
  const bool loop_;
  ProfileWriter* const profile_;
  const Interact interact_;
  RunningWork running_;
  bool waiting_ = false;  // in a loop, for something to change, unless something runs
  std::optional<int> exit_code_;
};

}  // namespace kiln
