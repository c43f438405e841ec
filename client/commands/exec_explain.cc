#include "client/commands/exec_explain.h"

#include <nlohmann/json.hpp>

#include "client/process_json.h"
#include "client/render.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

nlohmann::ordered_json as_json(const v1::KeyExplanation& explanation) {
  nlohmann::ordered_json json;
  json["action_digest"] = digest_text(explanation.action_digest());
  json["components"] = nlohmann::ordered_json::array();
  for (const v1::KeyComponent& component : explanation.components()) {
    nlohmann::ordered_json one = {{"kind", component.kind()}, {"name", component.name()}};
    if (component.has_digest()) {
      one["digest"] = digest_text(component.digest());
    } else {
      one["value"] = component.value();
    }
    json["components"].push_back(std::move(one));
  }
  json["warnings"] = explanation.warnings();
  return json;
}

// "library /lib/x86_64-linux-gnu/libc.so.6 HASH/SIZE", "environment PATH=/usr/bin"
std::string line_of(const v1::KeyComponent& component) {
  std::string line = component.kind();
  if (!component.name().empty()) line += " " + printable(component.name());
  if (component.has_digest()) return line + " " + digest_text(component.digest());
  if (!component.value().empty()) {
    line += (component.name().empty() ? " " : "=") + printable(component.value());
  }
  return line;
}

}  // namespace

Result<int> explain_key(Invocation& invocation, const v1::ExecuteRequest& request) {
  KILN_ASSIGN(Session * session, invocation.session());
  v1::KeyExplanation explanation;
  KILN_TRY(session->unary("/kiln.v1.Processes/ExplainKey", request, explanation));
  Console& console = invocation.console();
  std::string text;
  if (invocation.globals().json()) {
    text = dumped_line(as_json(explanation));
  } else {
    text = "action_digest " + digest_text(explanation.action_digest()) + "\n";
    for (const v1::KeyComponent& component : explanation.components()) {
      text += line_of(component) + "\n";
    }
  }
  KILN_TRY(console.write_stdout(text));
  for (const std::string& warning : explanation.warnings()) console.say_warning(warning);
  return 0;
}

}  // namespace kiln
