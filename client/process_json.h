// Results of processes as JSON.
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "common/base/error.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// Appends the fields of a result, with all that the process wrote: as a string, or as {"base64": …}
// where the bytes are not UTF-8 (common/types/json_bytes.h).
void add_result(const v1::ProcessResult& result, std::string_view stdout_bytes,
                std::string_view stderr_bytes, nlohmann::ordered_json& json);
// {"code": …, "message": …}
nlohmann::ordered_json error_json(const Error& error);
std::string dumped_line(const nlohmann::ordered_json& json);

}  // namespace kiln
