#include "daemon/intrinsics/trees.h"

#include <algorithm>
#include <span>

#include "daemon/store/tree_ops.h"

namespace kiln::intrinsics {

namespace {
constexpr int64_t kPeekLimit = int64_t{1} << 20;  // larger files are described by digest alone
}  // namespace

namespace {

// Digests of files and of trees look alike.
bool is_file(store::Store& store, const Digest& digest) {
  const FileDigest as_file{digest.hash, digest.size};
  const auto missing = store.blobs().find_missing(std::span(&as_file, 1));
  return missing.ok() && missing->empty();
}
bool is_tree(store::Store& store, const FileDigest& digest) {
  return store.trees().load(Digest{digest.hash, digest.size}).ok();
}

std::string lacking(store::Store& store, const FileEntry& file) {
  const std::string digest = to_string(file.file_digest);
  const std::string path = printable(file.path.str());
  if (is_tree(store, file.file_digest)) {
    return digest + " of " + path +
           ": this is the digest of a tree, not of a file; kiln digest ls -l shows the digests of "
           "its files, and merge and add-prefix put whole trees together";
  }
  return digest + " of " + path + "; upload it first";
}

}  // namespace

Result<store::TreePtr> load_named(store::Store& store, const Digest& digest) {
  auto tree = store.trees().load(digest);
  if (tree.ok() || tree.error().code() != ErrorCode::kNotFound) return tree;
  const std::string shown = to_string(digest);
  if (store::is_loss(tree.error())) {
    return environment_error(ErrorCode::kNotFound, "the store has lost the tree " + shown +
                                                       " or a part of it; capture, create or run "
                                                       "again what made it");
  }
  if (is_file(store, digest)) {
    return user_error(
        ErrorCode::kInvalidArgument,
        shown + " is the digest of a file, not of a tree; `kiln digest create NAME=@digest:" +
            shown + "` makes a tree that holds the file");
  }
  return user_error(ErrorCode::kNotFound,
                    "the store does not hold the tree " + shown + "; capture or create it again");
}

Result<store::TreePtr> create_tree(store::Store& store, const CreateDigest& request) {
  std::vector<store::PathEntry> entries;
  for (const FileContent& file : request.contents) {
    KILN_ASSIGN(const FileDigest digest, store.blobs().put(file.content));
    entries.push_back({file.path, store::File{digest, file.is_executable}});
  }
  std::vector<FileDigest> digests;
  digests.reserve(request.files.size());
  for (const FileEntry& file : request.files) digests.push_back(file.file_digest);
  KILN_ASSIGN(std::vector<FileDigest> missing, store.blobs().find_missing(digests));
  std::ranges::sort(missing);
  std::string lacks;
  for (const FileEntry& file : request.files) {
    if (std::ranges::binary_search(missing, file.file_digest)) {
      lacks += (lacks.empty() ? " " : "\n  ") + lacking(store, file);
    }
    entries.push_back({file.path, store::File{file.file_digest, file.is_executable}});
  }
  if (!lacks.empty()) {
    return user_error(ErrorCode::kNotFound, "the store does not hold the content" + lacks);
  }
  for (const SymlinkEntry& link : request.symlinks) {
    entries.push_back({link.path, store::Symlink{link.target}});
  }
  for (const RelPath& directory : request.directories) {
    entries.push_back({directory, store::Tree::empty()});
  }
  return store::tree_of(std::move(entries));
}

Task<Result<store::TreePtr>> tree_of(store::Store& store, Executor& home, Executor& blocking,
                                     const DirectoryDigest& digest) {
  if (digest.tree != nullptr) co_return digest.tree;
  co_return co_await run_blocking(blocking, home, [&] { return load_named(store, digest.digest); });
}

Result<store::TreePtr> merged(store::Store& store, std::vector<store::TreePtr> trees) {
  if (trees.size() == 1) return std::move(trees.front());
  return store::merge(trees, [&](const FileDigest& digest) -> std::optional<std::string> {
    if (digest.size > kPeekLimit) return std::nullopt;
    auto content = store.blobs().get(digest);
    if (!content.ok()) return std::nullopt;
    return *std::move(content);
  });
}

}  // namespace kiln::intrinsics
