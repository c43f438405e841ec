// Values as people and scripts read them.
// Threads: stateless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "kiln/v1/common.pb.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

std::string digest_text(const v1::Digest& digest);  // "HASH/SIZE"
Result<v1::Digest> digest_of_text(std::string_view text);

std::string bytes_text(uint64_t bytes);                          // "1.5 MiB"
std::string seconds_text(double seconds);                        // "0.38s", "2m05s"
std::string uptime_text(double seconds);                         // "3h 12m"
std::string_view source_text(v1::ProcessResult::Source source);  // "memoized"
std::string_view sandbox_text(v1::Process::Sandbox sandbox);     // "plain"
// The words with quotes where a shell would need them, shortened to about `columns`.
std::string command_text(const std::vector<std::string>& argv, size_t columns);

// Rows with their columns aligned to the left, two spaces apart.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace kiln
