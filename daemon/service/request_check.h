// What is asked of every request before any of it is begun.
// Threads: stateless.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "common/base/result.h"
#include "kiln/v1/common.pb.h"

namespace kiln::service {

// Refuses a request that holds a value of an enum that this daemon does not know, anywhere in it: a
// later kiln means something by it, and the default would be something else.
Result<void> check_values(const google::protobuf::Message& request);

// Refuses a caller whose mount namespace shows other files at `root` than the daemon's does.
Result<void> check_view(const v1::Caller& caller, const std::string& root);

// The directory that a workspace root leads to, without symbolic links. A path that leads nowhere
// comes back as it is: whoever opens it says what is wrong.
std::string resolved_root(const std::string& root);

}  // namespace kiln::service
