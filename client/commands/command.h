// What a command of `kiln` is, and what it is given.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/command_line.h"
#include "client/console.h"
#include "client/goal_names.h"
#include "client/session.h"
#include "client/specs.h"
#include "common/base/result.h"

namespace kiln::v1 {
class Caller;
}  // namespace kiln::v1

namespace kiln {

// One use of one command.
class Invocation {
 public:
  Invocation(std::vector<std::string> arguments, Console& console, Interrupt& interrupt);

  // Whether a command is told of events while it works, and so can write a profile.
  enum class Events : uint8_t { kNone, kProfile };
  // Parses the arguments with the command's and the global options. False if help was asked for,
  // and printed: the command is done.
  Result<bool> parse(OptionParser& parser, Events events = Events::kNone);

  // Takes those arguments out, up to "--", that are not for a parser.
  std::vector<std::string> take_arguments(bool (*taken)(const std::string& argument));

  // Takes out "--" and what follows it, which is returned.
  std::vector<std::string> take_after_dashes();

  const std::vector<std::string>& arguments() const { return arguments_; }
  const GlobalOptions& globals() const { return globals_; }
  Console& console() { return console_; }
  Interrupt& interrupt() { return interrupt_; }
  // Since it began.
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }
  // The daemon; nothing is connected before the first call.
  Result<Session*> session();
  // The root of the workspace that the command is about; no_workspace() if there is none.
  Result<std::string> workspace();
  // How paths are typed and printed in this workspace.
  Result<SpecResolver> paths();
  // The same where there need not be one: then of the current directory.
  Result<SpecResolver> paths_anywhere();
  // Who asks, for a request about the workspace.
  Result<void> fill(v1::Caller& caller);
  // Who asks, for a request about what is stored, which needs no workspace.
  Result<void> fill_anywhere(v1::Caller& caller) const;
  // One request about what is stored in the name of who asks, one answer.
  template <class Response, class Request>
  Result<Response> ask(std::string_view method, Request& request) {
    KILN_TRY(fill_anywhere(*request.mutable_caller()));
    return send<Response>(method, request);
  }
  // The same about the workspace.
  template <class Response, class Request>
  Result<Response> ask_in_workspace(std::string_view method, Request& request) {
    KILN_TRY(fill(*request.mutable_caller()));
    return send<Response>(method, request);
  }

 private:
  template <class Response, class Request>
  Result<Response> send(std::string_view method, const Request& request) {
    KILN_ASSIGN(Session * daemon, session());
    Response response;
    KILN_TRY(daemon->unary(method, request, response));
    return response;
  }

  std::vector<std::string> arguments_;
  Console& console_;
  Interrupt& interrupt_;
  GlobalOptions globals_;
  std::unique_ptr<Session> session_;
  std::optional<std::string> workspace_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

struct Command {
  std::string_view name;  // "digest cat"
  std::string_view summary;
  // The exit code, or the error that decides it.
  Result<int> (*run)(Invocation&);
};

Result<int> run_daemon_start(Invocation&);
Result<int> run_daemon_stop(Invocation&);
Result<int> run_daemon_status(Invocation&);
Result<int> run_daemon_restart(Invocation&);
Result<int> run_daemon_log(Invocation&);
Result<int> run_daemon_socket(Invocation&);
Result<int> run_doctor(Invocation&);

Result<int> run_exec(Invocation&);

// A goal, by the name that a daemon knows it by. `known`: what its rules name, if it was asked.
Result<int> run_goal(Invocation&, const GoalName& goal, RuleNames known);
// What can be set in a scope, and what is.
Result<int> run_scope_help(Invocation&, const ScopeName& scope);
Result<int> run_list(Invocation&);
Result<int> run_lint(Invocation&);

Result<int> run_rules_list(Invocation&);
Result<int> run_rules_explain(Invocation&);
Result<int> run_rules_graph(Invocation&);
Result<int> run_rules_query(Invocation&);

Result<int> run_digest_capture(Invocation&);
Result<int> run_digest_create(Invocation&);
Result<int> run_digest_ls(Invocation&);
Result<int> run_digest_cat(Invocation&);
Result<int> run_digest_entries(Invocation&);
Result<int> run_digest_merge(Invocation&);
Result<int> run_digest_subset(Invocation&);
Result<int> run_digest_add_prefix(Invocation&);
Result<int> run_digest_remove_prefix(Invocation&);
Result<int> run_digest_diff(Invocation&);
Result<int> run_digest_download(Invocation&);
Result<int> run_digest_write(Invocation&);
Result<int> run_paths(Invocation&);

}  // namespace kiln
