// The wire form of a directory: the REAPI `Directory` message.
//
// Encoding is written out by hand, because it runs for every directory that anything makes and
// protobuf's message objects cost several times the bytes they produce; the generated code is its
// oracle in the tests. Decoding is protobuf's.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "daemon/store/tree.h"

namespace kiln::store {

// Canonical bytes; `entries` sorted by name.
std::string encode_directory(const std::vector<Entry>& entries);

// An entry as the message holds it: a subdirectory is only named.
struct RawEntry {
  std::string name;
  std::variant<File, Symlink, Digest> node;
};

// Entries in the order of the message. kDataLoss, with the reason, for bytes that are no Directory
// message, names that are not single components, and digests that are none. Duplicates, order and
// fields that kiln does not keep show when the entries are encoded again: other bytes.
Result<std::vector<RawEntry>> decode_directory(std::string_view bytes);

}  // namespace kiln::store
