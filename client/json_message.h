// Messages from JSON, with errors that name the field.
// Threads: stateless.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>

#include "common/base/result.h"

namespace kiln {

// Fills `message` from a JSON object in the proto3 mapping
// (https://protobuf.dev/programming-guides/proto3/#json), with field names in either spelling, and
// digests also as "HASH/SIZE"; names of enum values in any case. An unknown field, a value of the
// wrong type or an unknown enum name is an error. A `bytes` field takes text as it is, and
// {"base64": …} for other bytes (common/types/json_bytes.h): proto3's mapping has base64 for all.
Result<void> fill_from_json(const nlohmann::json& object, google::protobuf::Message& message);

}  // namespace kiln
