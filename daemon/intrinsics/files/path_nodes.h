// What nodes have in common whose input is a path of a workspace.
#pragma once

#include <string_view>

#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/key_encoder.h"

namespace kiln::intrinsics {

inline Hash128 path_hash(std::string_view function, const Workspace& workspace,
                         const RelPath& path) {
  return KeyEncoder(function).add(workspace.root()).add(path.str()).hash();
}

inline graph::Key path_key(const graph::Function& function, std::string_view name,
                           const Workspace& workspace, const RelPath& path) {
  return {path_hash(name, workspace, path), &function,
          graph::make_value(PathInput{&workspace, path})};
}

inline const PathInput& input_of(const graph::Value& value) {
  return graph::value_as<PathInput>(value);
}

// How long what is read in the directory may be believed, events aside.
inline graph::Validity validity_under(const DirectoryWatch& watch) {
  return watch.watch.active ? graph::Validity::kForever : graph::Validity::kAskedBefore;
}

}  // namespace kiln::intrinsics
