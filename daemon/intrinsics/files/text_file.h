// A small file of settings or rules, read as a value of the graph.
// Threads: free functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

struct TextFile {
  RelPath path;  // without symlinks in it
  std::string text;
};

// The file that `path` leads to from the directory `from`, symlinks followed. Nothing if there is
// no such file, if it may not be read, or if it is larger than a text for people ever is (16 MiB).
Task<Result<std::optional<TextFile>>> read_text_file(graph::Context& context, const FsFunctions& fs,
                                                     const Workspace& workspace, RelPath from,
                                                     std::string_view path);

}  // namespace kiln::intrinsics
