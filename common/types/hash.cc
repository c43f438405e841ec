#include "common/types/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include "common/base/check.h"

namespace kiln {

namespace {

// Fetched once: EVP_Digest would look the algorithm up again at every call (200 ns).
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kAlgorithm;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

}  // namespace

Hash128 xxh3_128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

Sha256 sha256(std::string_view bytes) {
  thread_local const Context context(EVP_MD_CTX_new());
  Sha256 hash;
  const bool ok = EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1 &&
                  EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                  EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1;
  KILN_CHECK(ok, "SHA-256 is not available from OpenSSL");
  return hash;
}

FileDigest file_digest_of(std::string_view content) {
  return {sha256(content), static_cast<int64_t>(content.size())};
}

Digest directory_digest_of(std::string_view encoded_directory) {
  return {sha256(encoded_directory), static_cast<int64_t>(encoded_directory.size())};
}

struct Sha256Hasher::Impl {
  Context context{EVP_MD_CTX_new()};
  int64_t size = 0;
};

Sha256Hasher::Sha256Hasher() : impl_(std::make_unique<Impl>()) {
  KILN_CHECK(EVP_DigestInit_ex2(impl_->context.get(), sha256_algorithm(), nullptr) == 1,
             "SHA-256 is not available from OpenSSL");
}
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

void Sha256Hasher::update(std::string_view bytes) {
  KILN_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1,
             "SHA-256 failed");
  impl_->size += static_cast<int64_t>(bytes.size());
}

FileDigest Sha256Hasher::finish() {
  FileDigest digest;
  KILN_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest.hash.data(), nullptr) == 1,
             "SHA-256 failed");
  digest.size = impl_->size;
  return digest;
}

}  // namespace kiln
