// What the interfaces of the store promise in numbers, and the errors that say so.
#pragma once

#include "daemon/store/stores.h"

namespace kiln::store {

// Of one BlobStore::get().
inline constexpr int64_t kMaxWholeBlob = int64_t{64} << 20;

template <class D>
Error not_stored(const D& digest, std::string_view what) {
  return environment_error(ErrorCode::kNotFound,
                           "the store has no " + std::string(what) + " " + to_string(digest));
}

inline Error too_large_for_get(const FileDigest& digest) {
  return environment_error(ErrorCode::kResourceExhausted,
                           "the content " + to_string(digest) +
                               " is larger than the limit of 64 MiB for content in memory");
}

inline Error too_deep(const Digest& digest) {
  return user_error(ErrorCode::kInvalidArgument,
                    "the tree " + to_string(digest) + " is nested more than " +
                        std::to_string(kMaxTreeDepth) + " directories deep");
}

}  // namespace kiln::store
