// Files of the store, by their digest.
// Threads: single-owner. Blocks.
#pragma once

#include <string>

#include "client/session.h"
#include "common/base/result.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

// The whole content; in memory.
Result<std::string> read_blob(Session& session, const v1::Digest& file_digest);

}  // namespace kiln
