// HostLookup: files of the host as one computation sees them. All that it looks at, what is absent
// included, becomes a dependency of that computation.
//
// Threads: single-owner. Everything it is made from outlives it.
#pragma once

#include <string>
#include <vector>

#include "daemon/async/executor.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/host/host_tools.h"

namespace kiln::intrinsics {

class HostLookup {
 public:
  struct Services {
    const FsFunctions& fs;
    const Workspace& host;
    HostTools& files;
    Executor& home;
    Executor& blocking;
  };
  HostLookup(const Services& services, graph::Context& context)
      : services_(services), context_(context) {}

  // What stands at the end of a path, symlinks followed.
  struct Found {
    enum class Kind : uint8_t { kNothing, kDirectory, kFile, kOther };
    Kind kind = Kind::kNothing;
    bool executable = false;  // of a file, for this user
    bool readable = false;    // of a file or directory, for this user
    std::string path;         // absolute, without symlinks
    PathMetadata metadata;    // of a file

    bool is_readable_file() const { return kind == Kind::kFile && readable; }
    bool is_readable_directory() const { return kind == Kind::kDirectory && readable; }
  };
  // What is out of reach is kOther; that is not remembered, since a failure was read.
  Task<Result<Found>> look(const std::string& absolute_path);
  // `found` is a file. Fails if it cannot be read.
  Task<Result<HostFilePtr>> read(const Found& found);
  // Sorted; empty if there is no such directory, or one that cannot be read.
  Task<Result<std::vector<std::string>>> list(const std::string& absolute_path);
  // HostTools::installed() of a directory that can be read.
  Task<Result<FileDigest>> installed(const Found& directory);
  // A file of the inputs.
  Task<Result<std::string>> input(const FileDigest& digest) {
    return services_.fs.content(context_, digest);
  }

 private:
  const Services services_;
  graph::Context& context_;
};

}  // namespace kiln::intrinsics
