// The watch of a directory, as a node: what every leaf that reads there depends on.
// Threads: immutable.
#pragma once

#include <string_view>

#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

inline constexpr std::string_view kWatch = "fs.watch/1";

// Its value is a DirectoryWatch.
class WatchFunction final : public graph::Function {
 public:
  WatchFunction(const FsServices& services, RemoteLanes& lanes)
      : services_(services), lanes_(lanes) {}

  std::string_view name() const override { return kWatch; }
  std::string describe(const graph::Value& value) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override;

 private:
  Result<DirectoryWatch> place(const Workspace& workspace, const RelPath& path,
                               const DirectoryWatch& parent) const;

  const FsServices services_;
  RemoteLanes& lanes_;
};

}  // namespace kiln::intrinsics
