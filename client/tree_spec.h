// TreeSpec: one entry of `kiln digest create`, as an argument or as JSON.
//
//   PATH=TEXT     a file with this text         PATH=@FILE   a file with the bytes of FILE
//   PATH+x=...    the same, executable          PATH=@@TEXT  a file whose text begins with "@"
//   PATH->TARGET  a symbolic link               DIR/         an empty directory
//   PATH=@digest:HASH/SIZE                      a file that the store holds
//
// In PATH a backslash takes away what the next character means: `a\=b`, `a\->b`, `a\+x`, `a\\b`.
// Before any other character it is a backslash. TEXT and TARGET are as they stand.
//
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

struct TreeSpec {
  // Complete unless there is a file to upload, whose digest is then missing.
  v1::CreateRequest::Entry entry;
  std::string upload;  // FILE of PATH=@FILE; empty otherwise
};

Result<TreeSpec> parse_tree_spec(const std::string& argument);

// An object with the fields of CreateRequest.Entry: {"path": "a", "content": "text"}; or of
// TreeEntry, as `kiln digest entries --json` prints it.
Result<v1::CreateRequest::Entry> tree_entry_of_json(const nlohmann::json& json);
// Entries one a line, or one array of them. Errors name the line or the place in the array.
Result<std::vector<v1::CreateRequest::Entry>> parse_tree_entries(const std::string& text);

}  // namespace kiln
