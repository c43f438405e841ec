#include "client/process_json.h"

#include <nlohmann/json.hpp>

#include "client/render.h"
#include "common/types/json_bytes.h"

namespace kiln {

namespace {

nlohmann::ordered_json shown(std::string_view bytes) {
  return json_of_bytes<nlohmann::ordered_json>(bytes);
}

}  // namespace

void add_result(const v1::ProcessResult& result, std::string_view stdout_bytes,
                std::string_view stderr_bytes, nlohmann::ordered_json& json) {
  json["exit_code"] = result.exit_code();
  json["timed_out"] = result.timed_out();
  json["source"] = source_text(result.source());
  json["output_digest"] = digest_text(result.output_digest());
  json["stdout_digest"] = digest_text(result.stdout_digest());
  json["stderr_digest"] = digest_text(result.stderr_digest());
  json["stdout"] = shown(stdout_bytes);
  json["stderr"] = shown(stderr_bytes);
  json["missing_outputs"] = result.missing_outputs();
  json["missing_inputs"] = result.missing_inputs();
  json["wall_seconds"] = result.wall_seconds();
  json["user_seconds"] = result.user_seconds();
  json["system_seconds"] = result.system_seconds();
  json["peak_memory_bytes"] = result.peak_memory_bytes();
  json["sandbox"] = sandbox_text(result.sandbox());
  json["action_digest"] = digest_text(result.action_digest());
  json["kept_sandbox"] = nullptr;
  if (!result.kept_sandbox().empty()) json["kept_sandbox"] = result.kept_sandbox();
  json["warnings"] = result.warnings();
}

nlohmann::ordered_json error_json(const Error& error) {
  return {{"code", error_code_name(error.code())}, {"message", error.to_string()}};
}

std::string dumped_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace kiln
