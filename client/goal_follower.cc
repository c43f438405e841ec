#include "client/goal_follower.h"

#include "client/rule_chain.h"
#include "client/session.h"
#include "common/ipc/wire_error.h"
#include "common/types/printable.h"

namespace kiln {

namespace {

// How lines of stderr begin that are more than talk: see GoalOutput in goals.proto.
constexpr std::string_view kGood = "✓ ";
constexpr std::string_view kBad = "✗ ";
constexpr std::string_view kWarning = "warning: ";

}  // namespace

Result<void> GoalFollower::take(std::string_view bytes) {
  v1::GoalEvent event;
  KILN_TRY(parse_message(bytes, event));
  switch (event.event_case()) {
    case v1::GoalEvent::kOutput:
      return show(event.output());
    case v1::GoalEvent::kFinished:
      exit_code_ = event.finished().exit_code();
      wait_for_changes();
      return {};
    case v1::GoalEvent::kError:
      console_.say_error(with_rule_chain(from_wire(event.error())));
      wait_for_changes();
      return {};
    case v1::GoalEvent::kProgress:
      // Of the last round, too: what it looked at again to find nothing changed is told of as well.
      running_.take(event.progress(), RunningWork::Clock::now());
      if (profile_ != nullptr) profile_->add(event.progress());
      return {};
    case v1::GoalEvent::kInteractive:
      console_.clear_status();
      return interact_(event.interactive().offer());
    case v1::GoalEvent::EVENT_NOT_SET:
      return {};  // of a newer daemon
  }
  return {};
}

void GoalFollower::tick() {
  auto lines = running_.lines(RunningWork::Clock::now(), console_.live_rows());
  if (lines.empty() && waiting_) lines = {"waiting for changes; Ctrl-C ends"};
  console_.show_status(lines);
}

Result<void> GoalFollower::show(const v1::GoalOutput& output) {
  KILN_TRY(console_.write_stdout(console_.stdout_is_terminal() ? printable_lines(output.stdout())
                                                               : output.stdout()));
  return show_talk(output.stderr());
}

Result<void> GoalFollower::show_talk(std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string line = printable_lines(lines.substr(0, end));
    const std::string_view ending = lines.substr(end, 1);
    lines.remove_prefix(end + ending.size());
    const auto rest = [&line](std::string_view head) { return line.substr(head.size()); };
    if (line.starts_with(kWarning)) {
      console_.say_warning(rest(kWarning));
    } else if (line.starts_with(kGood)) {
      console_.say_result(true, rest(kGood));
    } else if (line.starts_with(kBad)) {
      console_.say_result(false, rest(kBad));
    } else {
      KILN_TRY(console_.write_stderr(line + std::string(ending)));
    }
  }
  return {};
}

void GoalFollower::wait_for_changes() {
  waiting_ = loop_;
  tick();
}

}  // namespace kiln
