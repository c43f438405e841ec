#include "client/commands/command.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/process_json.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

Invocation::Invocation(std::vector<std::string> arguments, Console& console, Interrupt& interrupt)
    : arguments_(std::move(arguments)), console_(console), interrupt_(interrupt) {}

Result<bool> Invocation::parse(OptionParser& parser, Events events) {
  globals_.add_to(parser);
  KILN_ASSIGN(const bool run, parser.parse(std::move(arguments_)));
  if (!run) {
    const CommandHelp& help = parser.help();
    KILN_TRY(console_.write_stdout(globals_.json() ? dumped_line(as_json(help)) : as_text(help)));
    return false;
  }
  globals_.apply(console_);
  if (globals_.profile() && events == Events::kNone) {
    return user_error(ErrorCode::kUnsupported,
                      "--profile: this command runs nothing that could be profiled");
  }
  return true;
}

std::vector<std::string> Invocation::take_arguments(bool (*taken)(const std::string&)) {
  const auto end = std::find(arguments_.begin(), arguments_.end(), "--");
  const auto kept = std::stable_partition(
      arguments_.begin(), end, [taken](const std::string& argument) { return !taken(argument); });
  std::vector<std::string> out(kept, end);
  arguments_.erase(kept, end);
  return out;
}

Result<Session*> Invocation::session() {
  if (!session_) {
    KILN_ASSIGN(DaemonPaths paths, daemon_paths(process_environment()));
    session_ = std::make_unique<Session>(std::move(paths), console_, interrupt_);
  }
  return session_.get();
}

Result<void> Invocation::fill(v1::Caller& caller) const {
  KILN_ASSIGN(*caller.mutable_workspace_root(), globals_.workspace_root());
  caller.set_client_version(KILN_VERSION);
  return {};
}

}  // namespace kiln
