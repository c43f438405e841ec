// BlobReaders over what holds the bytes.
#pragma once

#include <memory>
#include <string>

#include "daemon/store/stores.h"

namespace kiln::store {

std::unique_ptr<BlobReader> make_string_reader(std::shared_ptr<const std::string> content);
// Reads `fd` from its beginning to `size`; a file that ends earlier is kDataLoss.
std::unique_ptr<BlobReader> make_file_reader(UniqueFd fd, const FileDigest& digest);

}  // namespace kiln::store
