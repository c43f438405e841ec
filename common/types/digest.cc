#include "common/types/digest.h"

#include <charconv>

namespace kiln {

std::string to_hex(const Sha256& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * hash.size(), '0');
  for (size_t i = 0; i < hash.size(); ++i) {
    text[2 * i] = kDigits[hash[i] >> 4];
    text[2 * i + 1] = kDigits[hash[i] & 0xf];
  }
  return text;
}

namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <class D>
Result<D> parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return user_error(ErrorCode::kInvalidArgument,
                      "'" + std::string(text) + "' is not a digest: " + std::string(why) +
                          ". A digest looks like HASH/SIZE, 64 hex digits and a number of bytes.");
  };
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad("it has no '/'");
  D digest;
  auto hash = parse_sha256(text.substr(0, slash));
  if (!hash.ok()) return bad("the hash is not 64 lower-case hex digits");
  digest.hash = *hash;
  const std::string_view size = text.substr(slash + 1);
  const auto [end, ec] = std::from_chars(size.data(), size.data() + size.size(), digest.size);
  // One spelling for each number: what is accepted prints back as it was.
  const bool odd = size.starts_with('-') || (size.size() > 1 && size.starts_with('0'));
  if (ec != std::errc() || end != size.data() + size.size() || odd) {
    return bad("the size is not a number of bytes");
  }
  if (digest.size == 0 && digest.hash != D::kEmptyHash) {
    return bad("its size is 0 but its hash is not that of no bytes");
  }
  return digest;
}

template <class D>
std::string print(const D& digest) {
  return to_hex(digest.hash) + "/" + std::to_string(digest.size);
}

}  // namespace

Result<Sha256> parse_sha256(std::string_view hex) {
  Sha256 hash;
  const auto bad = [&] {
    return user_error(ErrorCode::kInvalidArgument,
                      "'" + std::string(hex) + "' is not a SHA-256 in lower-case hex");
  };
  if (hex.size() != 2 * hash.size()) return bad();
  for (size_t i = 0; i < hash.size(); ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return bad();
    hash[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return hash;
}

std::string to_string(const Digest& digest) { return print(digest); }
std::string to_string(const FileDigest& digest) { return print(digest); }
Result<Digest> parse_digest(std::string_view text) { return parse<Digest>(text); }
Result<FileDigest> parse_file_digest(std::string_view text) { return parse<FileDigest>(text); }

}  // namespace kiln
