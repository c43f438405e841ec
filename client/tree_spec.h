// TreeSpec: the arguments of `kiln digest create`.
//
//   PATH=TEXT     a file with this text         PATH=@FILE   a file with the bytes of FILE
//   PATH+x=...    the same, executable          PATH=@@TEXT  a file whose text begins with "@"
//   PATH->TARGET  a symbolic link               DIR/         an empty directory
//
// Threads: stateless.
#pragma once

#include <string>

#include "common/base/result.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

struct TreeSpec {
  // Complete unless there is a file to upload, whose digest is then missing.
  v1::CreateRequest::Entry entry;
  std::string upload;  // FILE of PATH=@FILE; empty otherwise
};

Result<TreeSpec> parse_tree_spec(const std::string& argument);

}  // namespace kiln
