#include "daemon/os/library_cache.h"

#include <cstdint>
#include <cstring>

namespace kiln::os {
namespace {

constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";
// Of struct cache_file_new and struct file_entry_new.
constexpr size_t kHeaderBytes = 48;
constexpr size_t kEntryBytes = 24;
constexpr size_t kNameAt = 4;
constexpr size_t kFileAt = 8;

uint32_t number_at(std::string_view bytes, size_t offset) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

std::optional<std::string_view> text_at(std::string_view bytes, size_t offset) {
  if (offset >= bytes.size()) return std::nullopt;
  const size_t end = bytes.find('\0', offset);
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(offset, end - offset);
}

}  // namespace

std::optional<LibraryCache> LibraryCache::parse(std::string_view bytes) {
  const size_t start = bytes.find(kMagic);
  if (start == std::string_view::npos) return std::nullopt;
  bytes.remove_prefix(start);
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const uint32_t count = number_at(bytes, kMagic.size());
  if (count > (bytes.size() - kHeaderBytes) / kEntryBytes) return std::nullopt;
  LibraryCache cache;
  for (uint32_t i = 0; i < count; ++i) {
    const size_t entry = kHeaderBytes + i * kEntryBytes;
    const auto name = text_at(bytes, number_at(bytes, entry + kNameAt));
    const auto file = text_at(bytes, number_at(bytes, entry + kFileAt));
    if (!name || !file) return std::nullopt;
    cache.files_[std::string(*name)].emplace_back(*file);
  }
  return cache;
}

std::vector<std::string> LibraryCache::find(std::string_view soname) const {
  const auto it = files_.find(soname);
  return it == files_.end() ? std::vector<std::string>() : it->second;
}

}  // namespace kiln::os
