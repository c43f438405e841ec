// Results of processes as JSON.
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "common/base/error.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// How much of each output stream a JSON result shows; the digests name the whole.
inline constexpr size_t kShownOutput = size_t{64} << 10;

// Appends the fields of a result. Output that is longer than kShownOutput is null; output that is
// not text is {"base64": …} (common/types/json_bytes.h).
void add_result(const v1::ProcessResult& result, std::string_view stdout_bytes,
                std::string_view stderr_bytes, nlohmann::ordered_json& json);
// {"code": …, "message": …}
nlohmann::ordered_json error_json(const Error& error);
std::string dumped_line(const nlohmann::ordered_json& json);

}  // namespace kiln
