// What a capture cannot be quicker than: walks of a directory by bare system calls.
#pragma once

#include <string>

namespace kiln::bench {

// Each returns milliseconds.
// getdents and a statx per file, on one thread.
double walk_with_statx(const std::string& directory);
// Every file read and hashed with SHA-256, on all cores.
double walk_and_hash(const std::string& directory);

}  // namespace kiln::bench
