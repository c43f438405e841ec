#include "common/types/rel_path.h"

#include <cstdio>
#include <vector>

#include "common/base/check.h"

namespace kiln {

namespace {

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos &&
         is_valid_utf8(name);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t n = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    // U+0080 to U+009F are control characters, too; U+009B begins a terminal's commands.
    const bool c1 = n == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (n == 0 || lead < 0x20 || lead == 0x7F || c1) {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02x", lead);
      out += escape;
      n = 1;
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(n);
  }
  return out;
}

Result<RelPath> RelPath::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return user_error(ErrorCode::kInvalidArgument,
                      "path '" + printable(text) + "' " + std::string(why));
  };
  if (text.find('\0') != std::string_view::npos) return bad("contains a NUL byte");
  if (!is_valid_utf8(text)) return bad("is not valid UTF-8");
  if (!text.empty() && text[0] == '/') {
    return bad("is absolute; it must be relative to the root it is used in");
  }
  std::vector<std::string_view> parts;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return bad("leaves the root it is relative to");
      parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string path;
  for (const std::string_view part : parts) {
    if (!path.empty()) path += '/';
    path += part;
  }
  return RelPath(std::move(path));
}

RelPath RelPath::from_normalized(std::string text) { return RelPath(std::move(text)); }

RelPath RelPath::parent() const {
  const size_t slash = path_.rfind('/');
  return slash == std::string::npos ? RelPath() : RelPath(path_.substr(0, slash));
}

std::string_view RelPath::name() const {
  const size_t slash = path_.rfind('/');
  return std::string_view(path_).substr(slash == std::string::npos ? 0 : slash + 1);
}

RelPath RelPath::child(std::string_view name) const {
  std::string path;
  path.reserve(path_.size() + 1 + name.size());
  path = path_;
  if (!path.empty()) path += '/';
  path += name;
  return RelPath(std::move(path));
}

RelPath RelPath::join(const RelPath& below) const {
  if (below.is_root()) return *this;
  return child(below.path_);
}

bool RelPath::is_within(const RelPath& ancestor) const {
  if (ancestor.is_root()) return true;
  return path_.starts_with(ancestor.path_) &&
         (path_.size() == ancestor.path_.size() || path_[ancestor.path_.size()] == '/');
}

RelPath RelPath::relative_to(const RelPath& ancestor) const {
  KILN_CHECK(is_within(ancestor), "relative_to() of a path outside");
  if (ancestor.is_root()) return *this;
  if (path_.size() == ancestor.path_.size()) return RelPath();
  return RelPath(path_.substr(ancestor.path_.size() + 1));
}

}  // namespace kiln
