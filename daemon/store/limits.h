// What the interfaces of the store promise in numbers, and the errors that say so.
#pragma once

#include "daemon/store/stores.h"

namespace kiln::store {

// Of one BlobStore::get().
inline constexpr int64_t kMaxWholeBlob = int64_t{64} << 20;
// Levels of directories. Deeper trees are refused where they come in (tree_of(), prefixes,
// TreeStore), so that everything else may recurse. PATH_MAX bytes can name no more.
inline constexpr uint32_t kMaxTreeDepth = 2048;
// Entries of a tree that somebody lists, reads or writes as a whole.
inline constexpr uint64_t kMaxListed = 10'000'000;
// Paths of one tree that are in memory together.
inline constexpr uint64_t kMaxListedBytes = uint64_t{512} << 20;
// Contents of one tree that are in memory together.
inline constexpr uint64_t kMaxContents = uint64_t{1} << 30;
// Conflicts that the error of one merge lists.
inline constexpr size_t kMaxConflicts = 10'000;

template <class D>
Error not_stored(const D& digest, std::string_view what) {
  return environment_error(ErrorCode::kNotFound,
                           "the store has no " + std::string(what) + " " + to_string(digest) +
                               "; capture, create or run again what it comes from");
}

inline Error unknown_tree(const Digest& digest) {
  return user_error(ErrorCode::kNotFound, "the store has no tree " + to_string(digest));
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

inline Result<void> check_depth(const Tree& tree) {
  if (tree.depth() > kMaxTreeDepth) return too_deep(tree.digest());
  return {};
}

// Fails for a tree that is small as a graph and huge as a list.
inline Result<void> check_listed(const Tree& tree) {
  const uint64_t entries = tree.extent().entries;
  if (entries <= kMaxListed) return {};
  return user_error(ErrorCode::kResourceExhausted,
                    "the tree " + to_string(tree.digest()) + " lists " +
                        (entries == UINT64_MAX ? "more than " : "") + std::to_string(entries) +
                        " entries, and the limit is " + std::to_string(kMaxListed) +
                        "; ask for a part of it (kiln digest subset)");
}

// The same for a tree whose contents are to be in memory together.
inline Result<void> check_contents(const Tree& tree) {
  KILN_TRY(check_listed(tree));
  const uint64_t bytes = tree.extent().bytes;
  if (bytes <= kMaxContents) return {};
  return user_error(ErrorCode::kResourceExhausted,
                    "the files of the tree " + to_string(tree.digest()) + " have " +
                        (bytes == UINT64_MAX ? "more than " : "") + std::to_string(bytes) +
                        " bytes, and the limit for contents in memory is " +
                        std::to_string(kMaxContents) + "; ask for a part of the tree");
}

}  // namespace kiln::store
