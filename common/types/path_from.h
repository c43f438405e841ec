// Paths as they are seen from a directory.
// Threads: stateless.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

// The path `path` as it is typed in the directory `here`; both are normalized and relative to the
// same root, and the empty one is the root itself. "src/a" is "a" in "src" and "../src/a" in
// "docs". It never looks like an option: "-x" becomes "./-x".
std::string path_from(std::string_view here, std::string_view path);

}  // namespace kiln
