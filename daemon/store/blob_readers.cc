#include "daemon/store/blob_readers.h"

#include <algorithm>

#include "common/base/file.h"

namespace kiln::store {

namespace {

class StringReader final : public BlobReader {
 public:
  explicit StringReader(std::shared_ptr<const std::string> content)
      : content_(std::move(content)) {}
  int64_t size() const override { return static_cast<int64_t>(content_->size()); }
  Result<std::string> next(size_t limit) override {
    std::string bytes = content_->substr(offset_, limit);
    offset_ += bytes.size();
    return bytes;
  }

 private:
  const std::shared_ptr<const std::string> content_;
  size_t offset_ = 0;
};

class FileReader final : public BlobReader {
 public:
  FileReader(UniqueFd fd, const FileDigest& digest)
      : fd_(std::move(fd)), digest_(digest), left_(digest.size) {}
  int64_t size() const override { return digest_.size; }
  Result<std::string> next(size_t limit) override {
    std::string bytes(std::min(limit, static_cast<size_t>(left_)), '\0');
    if (bytes.empty()) return bytes;
    const std::string name = "the stored content " + to_string(digest_);
    KILN_ASSIGN(const size_t n, read_some(fd_.get(), bytes, name));
    if (n == 0) return environment_error(ErrorCode::kDataLoss, name + " ends too early");
    bytes.resize(n);
    left_ -= static_cast<int64_t>(n);
    return bytes;
  }

 private:
  const UniqueFd fd_;
  const FileDigest digest_;
  int64_t left_;
};

}  // namespace

std::unique_ptr<BlobReader> make_string_reader(std::shared_ptr<const std::string> content) {
  return std::make_unique<StringReader>(std::move(content));
}

std::unique_ptr<BlobReader> make_file_reader(UniqueFd fd, const FileDigest& digest) {
  return std::make_unique<FileReader>(std::move(fd), digest);
}

}  // namespace kiln::store
