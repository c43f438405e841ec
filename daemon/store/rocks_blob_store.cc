#include "daemon/store/rocks_blob_store.h"

#include <algorithm>
#include <cstring>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/store/blob_readers.h"
#include "daemon/store/file_time.h"
#include "daemon/store/limits.h"
#include "daemon/store/new_file.h"

namespace kiln::store {

namespace {

std::string_view key_of(const FileDigest& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

std::string_view bytes_of(const int64_t& size) {
  return {reinterpret_cast<const char*>(&size), sizeof size};
}

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

bool is_large(const FileDigest& digest) { return digest.size >= kLargeContent; }

// In memory until it is known to be large, then in a file.
class RocksBlobWriter final : public BlobWriter {
 public:
  RocksBlobWriter(BlobStore& blobs, LargeFiles& large) : blobs_(blobs), large_(large) {}

  Result<void> append(std::string_view bytes) override {
    if (file_) return append_to(*file_, bytes);
    if (static_cast<int64_t>(head_.size() + bytes.size()) < kLargeContent) {
      head_ += bytes;
      return {};
    }
    KILN_ASSIGN(TempFile file, large_.new_file());
    KILN_TRY(append_to(file, head_));
    KILN_TRY(append_to(file, bytes));
    head_.clear();
    file_.emplace(std::move(file));
    return {};
  }

  Result<FileDigest> finish() override {
    if (!file_) return blobs_.put(head_);
    const FileDigest digest = hasher_.finish();
    KILN_TRY(large_.commit(std::move(*file_), digest));
    return digest;
  }

 private:
  Result<void> append_to(const TempFile& file, std::string_view bytes) {
    hasher_.update(bytes);
    return large_.append(file, bytes);
  }

  BlobStore& blobs_;
  LargeFiles& large_;
  std::string head_;
  std::optional<TempFile> file_;
  Sha256Hasher hasher_;  // of what is in the file
};

}  // namespace

Result<void> RocksBlobStore::get_small(const FileDigest& digest, rocksdb::PinnableSlice& content) {
  if (digest == FileDigest()) return {};
  KILN_ASSIGN(const Lookup lookup, db_.get(Table::kBlobs, key_of(digest), content));
  if (lookup == Lookup::kFound) {
    const bool same_size = static_cast<int64_t>(content.size()) == digest.size;
    if (same_size && verified_.contains(digest.hash)) return {};
    if (sha256(view(content)) == digest.hash) {
      if (!same_size) return not_stored(digest, "content");  // sound, and not what was asked for
      verified_.insert(digest.hash);
      return {};
    }
  } else if (lookup == Lookup::kAbsent) {
    KILN_ASSIGN(const bool promised, has_small(digest));
    if (!promised) return not_stored(digest, "content");
  }
  log_.warn("dropped the stored content " + to_string(digest) + ": it is damaged");
  KILN_TRY(drop_small(digest));
  return not_stored(digest, "content");
}

Result<bool> RocksBlobStore::has_small(const FileDigest& digest) {
  rocksdb::PinnableSlice size;
  KILN_ASSIGN(const Lookup lookup, db_.get(Table::kSizes, key_of(digest), size));
  return lookup == Lookup::kFound && view(size) == bytes_of(digest.size);
}

Result<void> RocksBlobStore::put_small(std::string_view content, const FileDigest& digest) {
  KILN_ASSIGN(const bool known, has_small(digest));
  if (known && verified_.contains(digest.hash)) return {};
  if (known) {
    // Nobody has read it in this life. Here are the right bytes: if it is damaged, this mends it.
    rocksdb::PinnableSlice stored;
    KILN_ASSIGN(const Lookup lookup, db_.get(Table::kBlobs, key_of(digest), stored));
    if (lookup == Lookup::kFound && view(stored) == content) {
      verified_.insert(digest.hash);
      return {};
    }
  }
  constexpr size_t kOverhead = 128;  // two keys and their headers; so that the content moves once
  rocksdb::WriteBatch batch(content.size() + kOverhead);
  db_.put(batch, Table::kBlobs, key_of(digest), content);
  db_.put(batch, Table::kSizes, key_of(digest), bytes_of(digest.size));
  KILN_TRY(db_.write(batch));
  verified_.insert(digest.hash);
  return {};
}

Result<void> RocksBlobStore::drop_small(const FileDigest& digest) {
  verified_.erase(digest.hash);
  rocksdb::WriteBatch batch;
  db_.remove(batch, Table::kBlobs, key_of(digest));
  db_.remove(batch, Table::kSizes, key_of(digest));
  return db_.write(batch);
}

Result<FileDigest> RocksBlobStore::put(std::string_view content) {
  const FileDigest digest = file_digest_of(content);
  if (digest.empty()) return digest;
  KILN_TRY(is_large(digest) ? large_.put(content, digest) : put_small(content, digest));
  return digest;
}

Result<std::unique_ptr<BlobWriter>> RocksBlobStore::writer() {
  return std::make_unique<RocksBlobWriter>(*this, large_);
}

Result<std::string> RocksBlobStore::get(const FileDigest& digest) {
  if (!is_large(digest)) {
    rocksdb::PinnableSlice content;
    KILN_TRY(get_small(digest, content));
    return content.ToString();
  }
  KILN_ASSIGN(const UniqueFd fd, large_.open(digest));
  if (digest.size > kMaxWholeBlob) return too_large_for_get(digest);
  KILN_ASSIGN(std::string content, read_all(fd.get(), "the stored content " + to_string(digest)));
  if (static_cast<int64_t>(content.size()) != digest.size) return not_stored(digest, "content");
  return content;
}

Result<std::unique_ptr<BlobReader>> RocksBlobStore::reader(const FileDigest& digest) {
  if (is_large(digest)) {
    KILN_ASSIGN(UniqueFd fd, large_.open(digest));
    return make_file_reader(std::move(fd), digest);
  }
  KILN_ASSIGN(std::string content, get(digest));
  return make_string_reader(std::make_shared<const std::string>(std::move(content)));
}

Result<std::vector<FileDigest>> RocksBlobStore::find_missing(std::span<const FileDigest> digests) {
  std::vector<FileDigest> missing;
  constexpr size_t kAtOnce = 512;
  std::vector<FileDigest> small;
  std::vector<rocksdb::Slice> keys;
  std::vector<rocksdb::PinnableSlice> sizes;
  const auto present = [](Lookup lookup, const rocksdb::PinnableSlice& size,
                          const FileDigest& digest) {
    return lookup == Lookup::kFound && view(size) == bytes_of(digest.size);
  };
  if (digests.size() == 1 && !is_large(digests[0])) {  // a MultiGet of one costs twice a Get
    const FileDigest& digest = digests[0];
    rocksdb::PinnableSlice size;
    if (digest == FileDigest()) return missing;
    KILN_ASSIGN(const Lookup lookup, db_.get(Table::kSizes, key_of(digest), size));
    if (!present(lookup, size, digest)) missing.push_back(digest);
    return missing;
  }
  const auto ask = [&]() -> Result<void> {
    for (const FileDigest& digest : small)
      keys.emplace_back(key_of(digest).data(), digest.hash.size());
    KILN_ASSIGN(const std::vector<Lookup> lookups, db_.get_all(Table::kSizes, keys, sizes));
    for (size_t i = 0; i < small.size(); ++i) {
      if (!present(lookups[i], sizes[i], small[i])) missing.push_back(small[i]);
    }
    small.clear();
    keys.clear();
    return {};
  };
  for (const FileDigest& digest : digests) {
    if (digest == FileDigest()) continue;
    if (is_large(digest)) {
      KILN_ASSIGN(const bool there, large_.contains(digest));
      if (!there) missing.push_back(digest);
      continue;
    }
    small.push_back(digest);
    if (small.size() == kAtOnce) KILN_TRY(ask());
  }
  if (!small.empty()) KILN_TRY(ask());
  return missing;
}

Result<void> RocksBlobStore::materialize(const FileDigest& digest, bool executable, int dir_fd,
                                         const char* name, const std::stop_token& stop) {
  const unsigned mode = executable ? kExecutableMode : kPlainMode;
  return make_new_file(dir_fd, name, mode, file_time(digest),
                       [&](int fd) { return copy_into(digest, fd, name, stop); });
}

Result<void> RocksBlobStore::copy_into(const FileDigest& digest, int target_fd, const char* name,
                                       const std::stop_token& stop) {
  if (is_large(digest)) {
    KILN_ASSIGN(const UniqueFd source, large_.open(digest));
    return copy_content(source.get(), target_fd, name, stop);
  }
  rocksdb::PinnableSlice content;
  KILN_TRY(get_small(digest, content));
  return write_all(target_fd, view(content), name);
}

Result<FileDigest> RocksBlobStore::adopt(int dir_fd, const char* name,
                                         const std::stop_token& stop) {
  KILN_ASSIGN(const UniqueFd fd, open_to_adopt(dir_fd, name));
  // Read as far as small content goes; what has more is hashed where it lies.
  std::string head(kLargeContent, '\0');
  size_t size = 0;
  while (size < head.size()) {
    KILN_ASSIGN(const size_t n, read_some(fd.get(), std::span(head).subspan(size), name));
    if (n == 0) return put(std::string_view(head).substr(0, size));
    size += n;
  }
  return large_.adopt(dir_fd, name, fd.get(), stop);
}

}  // namespace kiln::store
