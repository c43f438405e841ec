#include "client/grpc_wire.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/types/base64.h"

namespace kiln {

namespace {

constexpr size_t kPrefix = 5;
// More than the daemon ever sends in one message; bounds what a confused peer can make us hold.
constexpr size_t kMaxMessage = size_t{64} << 20;

size_t payload_size(const char* prefix) {
  const auto byte = [prefix](int i) { return static_cast<uint8_t>(prefix[i]); };
  return size_t{byte(1)} << 24 | size_t{byte(2)} << 16 | size_t{byte(3)} << 8 | size_t{byte(4)};
}

Result<void> check_prefix(const char* prefix) {
  if (prefix[0] != 0) return internal_error("the daemon sent a compressed message, unasked");
  if (payload_size(prefix) > kMaxMessage) {
    return internal_error("the daemon sent a message of " + std::to_string(payload_size(prefix)) +
                          " bytes; the client takes up to " + std::to_string(kMaxMessage));
  }
  return {};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void append_grpc_message(std::string_view message, std::string& out) {
  const auto size = static_cast<uint32_t>(message.size());
  const char prefix[kPrefix] = {0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                                static_cast<char>(size >> 8), static_cast<char>(size)};
  out.append(prefix, kPrefix);
  out.append(message);
}

Result<void> MessageReader::feed(std::string_view bytes,
                                 const std::function<Result<void>(std::string_view)>& on_message) {
  while (!bytes.empty()) {
    if (partial_.empty() && bytes.size() >= kPrefix) {
      // The common case: the whole message is in this piece and need not be copied.
      KILN_TRY(check_prefix(bytes.data()));
      const size_t size = payload_size(bytes.data());
      if (bytes.size() - kPrefix >= size) {
        KILN_TRY(on_message(bytes.substr(kPrefix, size)));
        bytes.remove_prefix(kPrefix + size);
        continue;
      }
      partial_.reserve(kPrefix + size);
    }
    const bool prefix_known = partial_.size() >= kPrefix;
    const size_t want = kPrefix + (prefix_known ? payload_size(partial_.data()) : 0);
    const size_t take = std::min(want - partial_.size(), bytes.size());
    partial_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (partial_.size() < kPrefix) continue;
    KILN_TRY(check_prefix(partial_.data()));
    if (partial_.size() == kPrefix + payload_size(partial_.data())) {
      const std::string message = std::move(partial_);
      partial_.clear();
      KILN_TRY(on_message(std::string_view(message).substr(kPrefix)));
    }
  }
  return {};
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

void GrpcStatus::read_header(std::string_view name, std::string_view value) {
  if (name == "grpc-status") {
    int number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    code = parsed.ec == std::errc() ? number : 2;  // 2: UNKNOWN
  } else if (name == "grpc-message") {
    message = percent_decoded(value);
  } else if (name == "grpc-status-details-bin") {
    details = base64_decoded(value).value_or("");
  }
}

}  // namespace kiln
