// kiln doctor
#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/commands/command.h"
#include "client/process_json.h"
#include "client/render.h"
#include "client/session.h"
#include "common/types/rel_path.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln {

namespace {

using Json = nlohmann::ordered_json;

const char* name_of(v1::Finding::State state) {
  switch (state) {
    case v1::Finding::GOOD:
      return "good";
    case v1::Finding::WEAK:
      return "weak";
    default:
      return "bad";
  }
}

const char* mark_of(v1::Finding::State state) {
  switch (state) {
    case v1::Finding::GOOD:
      return "✓";
    case v1::Finding::WEAK:
      return "!";
    default:
      return "✗";
  }
}

Json as_json(const v1::DiagnoseResponse& diagnosis) {
  Json findings = Json::array();
  for (const v1::Finding& finding : diagnosis.findings()) {
    Json one = {{"subject", finding.subject()},
                {"state", name_of(finding.state())},
                {"found", finding.found()}};
    if (!finding.fix().empty()) one["fix"] = finding.fix();
    findings.push_back(std::move(one));
  }
  return {{"findings", std::move(findings)}};
}

// A message of several lines: those after the first are indented.
std::string indented(std::string_view message) {
  std::string text;
  for (size_t begin = 0; begin <= message.size();) {
    const size_t end = std::min(message.find('\n', begin), message.size());
    std::string_view line = message.substr(begin, end - begin);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    text += (begin == 0 ? "" : "    ") + printable(line) + "\n";
    begin = end + 1;
  }
  return text;
}

std::string as_text(const v1::DiagnoseResponse& diagnosis) {
  std::string text;
  for (const v1::Finding& finding : diagnosis.findings()) {
    text += std::string(mark_of(finding.state())) + " " + finding.subject() + ": " +
            indented(finding.found());
    if (!finding.fix().empty()) text += "    " + indented(finding.fix());
  }
  return text;
}

v1::Finding finding(std::string subject, v1::Finding::State state, std::string found,
                    std::string fix = "") {
  v1::Finding made;
  made.set_subject(std::move(subject));
  made.set_state(state);
  made.set_found(std::move(found));
  made.set_fix(std::move(fix));
  return made;
}

// What the daemon says of itself; without one, why there is none.
v1::DiagnoseResponse ask(Invocation& invocation, const std::string& workspace) {
  v1::DiagnoseResponse diagnosis;
  const auto session = invocation.session();
  v1::DiagnoseRequest request;
  request.set_workspace_root(workspace);
  const auto asked = session.ok()
                         ? (*session)->unary("/kiln.v1.Daemon/Diagnose", request, diagnosis)
                         : Result<void>(session.error());
  const v1::Finding daemon =
      asked.ok() ? finding("daemon", v1::Finding::GOOD, "runs, for " + (*session)->paths().home)
                 : finding("daemon", v1::Finding::BAD, asked.error().message(),
                           "see `kiln daemon log`, and `kiln daemon restart`");
  v1::DiagnoseResponse whole;
  *whole.add_findings() = daemon;
  whole.MergeFrom(diagnosis);
  return whole;
}

}  // namespace

Result<int> run_doctor(Invocation& invocation) {
  OptionParser parser(
      {"kiln doctor",
       "[--json]",
       "Show what this machine allows, and how to get the rest.",
       "✓ is as kiln wants it; with ! kiln works, but less well than it could; with ✗ it does\n"
       "not work. Below what is missing stands what to do.",
       "kiln doctor --json | jq '.findings[] | select(.state != \"good\")'",
       {{"0", "kiln works here"}, {"1", "something is bad"}, kWrongCommandLine, kKilnFailed}});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_ASSIGN(const auto root, invocation.globals().workspace_root());
  v1::DiagnoseResponse diagnosis = ask(invocation, root.value_or(""));
  if (invocation.interrupt().signal() != 0) return interrupted_error();
  if (!root) {
    *diagnosis.add_findings() =
        finding("workspace", v1::Finding::WEAK,
                "neither the current directory nor one above it holds a kiln.toml or a .git",
                "go into a project, or mark one with an empty kiln.toml at its top");
  }
  KILN_TRY(invocation.console().write_stdout(
      invocation.globals().json() ? dumped_line(as_json(diagnosis)) : as_text(diagnosis)));
  const auto& findings = diagnosis.findings();
  return std::any_of(findings.begin(), findings.end(),
                     [](const v1::Finding& one) { return one.state() == v1::Finding::BAD; })
             ? 1
             : 0;
}

}  // namespace kiln
