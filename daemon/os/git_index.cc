#include "daemon/os/git_index.h"

#include <algorithm>

namespace kiln::os {

namespace {

constexpr size_t kStatBytes = 40;  // ten 32-bit fields before the object id
constexpr uint16_t kExtended = 0x4000;

Error malformed(std::string_view what) {
  return environment_error(ErrorCode::kDataLoss, "malformed git index: " + std::string(what));
}

// Bytes from front to back; a read past the end fails and leaves failed() set.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  size_t offset() const { return offset_; }
  size_t left() const { return bytes_.size() - offset_; }

  std::string_view take(size_t count) {
    if (count > left()) {
      failed_ = true;
      return {};
    }
    offset_ += count;
    return bytes_.substr(offset_ - count, count);
  }
  uint64_t number(size_t count) {
    uint64_t value = 0;
    for (const char c : take(count)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  // The text before the next NUL, which is skipped.
  std::string_view text() {
    const size_t end = bytes_.find('\0', offset_);
    if (end == std::string_view::npos) {
      failed_ = true;
      return {};
    }
    const std::string_view found = bytes_.substr(offset_, end - offset_);
    offset_ = end + 1;
    return found;
  }
  // A number of variable width, as in a pack's OFS_DELTA.
  size_t variable() {
    size_t value = 0;
    for (int i = 0; i < 5; ++i) {
      const auto byte = static_cast<size_t>(number(1));
      value = i == 0 ? byte & 0x7F : ((value + 1) << 7) | (byte & 0x7F);
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

 private:
  const std::string_view bytes_;
  size_t offset_ = 0;
  bool failed_ = false;
};

// One entry; `previous` is the path before it, from which version 4 takes a prefix.
std::string read_entry(Reader& in, uint64_t version, size_t hash_bytes,
                       const std::string& previous) {
  const size_t start = in.offset();
  in.take(kStatBytes + hash_bytes);
  const uint64_t flags = in.number(2);
  if (version >= 3 && (flags & kExtended) != 0) in.take(2);
  if (version == 4) {
    const size_t dropped = in.variable();
    if (dropped > previous.size()) {
      in.take(in.left() + 1);  // fails
      return {};
    }
    return previous.substr(0, previous.size() - dropped) + std::string(in.text());
  }
  const std::string path(in.text());
  // One to eight NULs fill the entry up to a multiple of eight; text() took the first.
  const size_t length = in.offset() - 1 - start;
  in.take((length + 8) / 8 * 8 - length - 1);
  return path;
}

// A compressed bitmap (EWAH): words of runs and words of literal bits. At most `limit` bits.
std::vector<bool> read_bitmap(Reader& in, size_t limit) {
  constexpr size_t kWordBits = 64;
  const size_t bit_count = std::min<size_t>(in.number(4), limit);
  size_t words = in.number(4);
  std::vector<bool> bits;
  while (words > 0 && !in.failed()) {
    const uint64_t run = in.number(8);
    --words;
    const bool value = (run & 1) != 0;
    const uint64_t run_bits = (run >> 1 & 0xFFFFFFFFU) * kWordBits;
    bits.resize(std::min<uint64_t>(bit_count, bits.size() + run_bits), value);
    for (uint64_t literals = run >> 33; literals > 0 && words > 0; --literals, --words) {
      const uint64_t word = in.number(8);
      for (size_t i = 0; i < kWordBits && bits.size() < bit_count; ++i) {
        bits.push_back((word >> i & 1) != 0);
      }
      if (in.failed()) break;
    }
  }
  in.take(4);  // where the last run stands: of use to writers alone
  return bits;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Result<GitIndex::Base> read_link(std::string_view bytes, size_t hash_bytes) {
  // More entries than this fit into no base index: an index is smaller than 4 GiB.
  constexpr size_t kMostEntries = size_t{1} << 26;
  Reader in(bytes);
  GitIndex::Base base{hex(in.take(hash_bytes)), {}};
  if (in.left() > 0) base.deleted = read_bitmap(in, kMostEntries);
  // The bitmap of replaced entries follows. They keep their paths.
  if (in.failed()) return malformed("the link to the shared index is cut off");
  return base;
}

// What stands behind the entries: named blocks, then the checksum.
Result<void> read_extensions(Reader& in, size_t hash_bytes, GitIndex& index) {
  constexpr size_t kHeader = 8;
  while (in.left() >= hash_bytes + kHeader) {
    const std::string_view name = in.take(4);
    const size_t size = in.number(4);
    const std::string_view content = in.take(size);
    if (in.failed()) return malformed("an extension is longer than the file");
    if (name == "link") {
      KILN_ASSIGN(index.base, read_link(content, hash_bytes));
      if (index.base->name.find_first_not_of('0') == std::string::npos) index.base.reset();
    } else if (name != "sdir" && (name[0] < 'A' || name[0] > 'Z')) {
      return environment_error(ErrorCode::kUnsupported,
                               "the git index has an extension that kiln does not know");
    }
  }
  return {};
}

}  // namespace

Result<GitIndex> parse_git_index(std::string_view bytes, size_t hash_bytes) {
  Reader in(bytes);
  if (in.take(4) != "DIRC") return malformed("it does not begin with DIRC");
  const uint64_t version = in.number(4);
  uint64_t count = in.number(4);
  if (version < 2 || version > 4) {
    return environment_error(
        ErrorCode::kUnsupported,
        "the git index has version " + std::to_string(version) + "; kiln reads 2, 3 and 4");
  }
  GitIndex index;
  std::string path;
  for (; count > 0; --count) {
    path = read_entry(in, version, hash_bytes, path);
    if (in.failed()) return malformed("it is cut off");
    if (!path.empty()) index.paths.push_back(path);  // empty: replaces an entry of the base
  }
  KILN_TRY(read_extensions(in, hash_bytes, index));
  return index;
}

std::vector<std::string> joined_paths(const GitIndex& index, const GitIndex& base) {
  std::vector<std::string> paths = index.paths;
  const std::vector<bool>& deleted = index.base->deleted;
  for (size_t i = 0; i < base.paths.size(); ++i) {
    if (i >= deleted.size() || !deleted[i]) paths.push_back(base.paths[i]);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace kiln::os
