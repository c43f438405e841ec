#include "client/commands/command.h"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/process_json.h"
#include "common/base/version.h"
#include "common/types/rel_path.h"
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

std::vector<std::string> Invocation::take_after_dashes() {
  const auto dashes = std::find(arguments_.begin(), arguments_.end(), "--");
  if (dashes == arguments_.end()) return {};
  std::vector<std::string> out(dashes + 1, arguments_.end());
  arguments_.erase(dashes, arguments_.end());
  return out;
}

Result<Session*> Invocation::session() {
  if (!session_) {
    KILN_ASSIGN(DaemonPaths paths, daemon_paths(process_environment()));
    session_ = std::make_unique<Session>(std::move(paths), console_, interrupt_);
  }
  return session_.get();
}

Result<std::string> Invocation::workspace() {
  if (workspace_) return *workspace_;
  KILN_ASSIGN(workspace_, globals_.workspace_root());
  if (workspace_) return *workspace_;
  KILN_ASSIGN(const std::string here, current_directory());
  return no_workspace(here);
}

Result<SpecResolver> Invocation::paths() {
  KILN_ASSIGN(std::string root, workspace());
  if (globals_.root_relative()) return SpecResolver(root, root);
  KILN_ASSIGN(const std::string here, current_directory());
  return SpecResolver(std::move(root), here);
}

Result<SpecResolver> Invocation::paths_anywhere() {
  KILN_ASSIGN(const auto root, globals_.workspace_root());
  if (root) return paths();
  KILN_ASSIGN(const std::string here, current_directory());
  return SpecResolver(here, here);
}

Result<void> Invocation::fill(v1::Caller& caller) {
  KILN_ASSIGN(*caller.mutable_workspace_root(), workspace());
  return fill_anywhere(caller);
}

Result<void> Invocation::fill_anywhere(v1::Caller& caller) const {
  if (caller.workspace_root().empty()) {
    KILN_ASSIGN(const auto root, globals_.workspace_root());
    caller.set_workspace_root(root.value_or(""));
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  caller.set_umask(mask);
  caller.set_client_version(std::string(version()));
  return {};
}

}  // namespace kiln
