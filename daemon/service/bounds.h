// Bounds of what grows with a workspace, so that no message comes near the 4 MiB that gRPC's
// clients take by default.
//
// Threads: stateless.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "common/base/error.h"

namespace kiln::service {

// Of missing outputs, workspaces and the like.
inline constexpr size_t kMostNames = 1000;
// Of what is said of a run in the daemon's status.
inline constexpr size_t kMostOfADescription = 200;
// Of one text in a message: an error, an event's description.
inline constexpr size_t kMostText = size_t{64} << 10;

// The first 20 warnings, each cut to 1 KiB, and how many more there were.
void add_warnings(const std::vector<std::string>& warnings,
                  google::protobuf::RepeatedPtrField<std::string>& wire);

// The beginning of UTF-8 text, in at most `bytes`; ends between two characters.
std::string_view head(std::string_view text, size_t bytes);

// An error as a part of a message.
Error bounded_in_message(const Error& error);

}  // namespace kiln::service
