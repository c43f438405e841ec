#include "daemon/store/directory_codec.h"

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "common/types/hash.h"

namespace kiln::store {

namespace reapi = build::bazel::remote::execution::v2;

namespace {

// Protobuf's wire format (https://protobuf.dev/programming-guides/encoding): a tag is
// field number << 3 | wire type; fields of value zero are left out.
constexpr char kBytes = 2;
constexpr char kVarint = 0;
constexpr char tag(int field, char wire_type) { return static_cast<char>(field << 3 | wire_type); }

constexpr size_t kHashText = 64;

size_t varint_size(uint64_t value) {
  size_t n = 1;
  for (; value >= 0x80; value >>= 7) ++n;
  return n;
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Of a field that holds `payload` bytes.
size_t field_size(size_t payload) { return 1 + varint_size(payload) + payload; }

void append_header(std::string& out, int field, size_t payload) {
  out += tag(field, kBytes);
  append_varint(out, payload);
}

void append_text(std::string& out, int field, std::string_view text) {
  append_header(out, field, text.size());
  out += text;
}

template <class D>
size_t digest_size(const D& digest) {
  const size_t size_field = digest.size == 0 ? 0 : 1 + varint_size(digest.size);
  return field_size(kHashText) + size_field;
}

template <class D>
void append_digest(std::string& out, int field, const D& digest) {
  append_header(out, field, digest_size(digest));
  append_header(out, 1, kHashText);
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : digest.hash) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
  if (digest.size != 0) {
    out += tag(2, kVarint);
    append_varint(out, digest.size);
  }
}

void append_file(std::string& out, const std::string& name, const File& file) {
  append_header(
      out, 1,
      field_size(name.size()) + field_size(digest_size(file.digest)) + (file.executable ? 2 : 0));
  append_text(out, 1, name);
  append_digest(out, 2, file.digest);
  if (file.executable) {
    out += tag(4, kVarint);
    out += '\1';
  }
}

void append_subdirectory(std::string& out, const std::string& name, const Digest& digest) {
  append_header(out, 2, field_size(name.size()) + field_size(digest_size(digest)));
  append_text(out, 1, name);
  append_digest(out, 2, digest);
}

void append_symlink(std::string& out, const std::string& name, const std::string& target) {
  const size_t target_field = target.empty() ? 0 : field_size(target.size());
  append_header(out, 3, field_size(name.size()) + target_field);
  append_text(out, 1, name);
  if (!target.empty()) append_text(out, 2, target);
}

Error damaged(std::string why) {
  return environment_error(ErrorCode::kDataLoss, "not a directory record: " + std::move(why));
}

template <class D>
Result<D> digest_of(const reapi::Digest& message) {
  D digest;
  auto hash = parse_sha256(message.hash());
  if (!hash.ok()) return damaged(hash.error().message());
  digest.hash = *hash;
  digest.size = message.size_bytes();
  if (digest.size < 0 || (digest.size == 0 && digest.hash != D::kEmptyHash)) {
    return damaged("a size of " + std::to_string(digest.size) + " that cannot be");
  }
  return digest;
}

Result<void> check_name(const std::string& name) {
  if (is_valid_name(name)) return {};
  return damaged("the name '" + printable(name) + "'");
}

}  // namespace

std::string encode_directory(const std::vector<Entry>& entries) {
  // A file takes its name and 75 bytes or a little more.
  size_t size = 0;
  for (const Entry& entry : entries) size += entry.name.size() + 88;
  std::string out;
  out.reserve(size);
  for (const Entry& entry : entries) {
    if (const auto* file = std::get_if<File>(&entry.node)) append_file(out, entry.name, *file);
  }
  for (const Entry& entry : entries) {
    if (const auto* below = std::get_if<TreePtr>(&entry.node)) {
      append_subdirectory(out, entry.name, (*below)->digest());
    }
  }
  for (const Entry& entry : entries) {
    if (const auto* link = std::get_if<Symlink>(&entry.node)) {
      append_symlink(out, entry.name, link->target);
    }
  }
  return out;
}

Result<std::vector<RawEntry>> decode_directory(std::string_view bytes) {
  reapi::Directory message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return damaged("it does not parse");
  }
  std::vector<RawEntry> entries;
  entries.reserve(message.files_size() + message.directories_size() + message.symlinks_size());
  for (reapi::FileNode& file : *message.mutable_files()) {
    KILN_TRY(check_name(file.name()));
    KILN_ASSIGN(const FileDigest digest, digest_of<FileDigest>(file.digest()));
    entries.push_back({std::move(*file.mutable_name()), File{digest, file.is_executable()}});
  }
  for (reapi::DirectoryNode& directory : *message.mutable_directories()) {
    KILN_TRY(check_name(directory.name()));
    KILN_ASSIGN(const Digest digest, digest_of<Digest>(directory.digest()));
    entries.push_back({std::move(*directory.mutable_name()), digest});
  }
  for (reapi::SymlinkNode& link : *message.mutable_symlinks()) {
    KILN_TRY(check_name(link.name()));
    if (!is_valid_target(link.target())) return damaged("the target of '" + link.name() + "'");
    entries.push_back(
        {std::move(*link.mutable_name()), Symlink{std::move(*link.mutable_target())}});
  }
  return entries;
}

}  // namespace kiln::store
