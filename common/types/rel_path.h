// RelPath: a path below some root that cannot leave it.
//
// What:   zero or more components joined by single slashes; never absolute, never "." or "..",
//         no NUL, valid UTF-8 (REAPI names are UTF-8 strings). The empty path is the root itself.
// Threads: immutable value.
// Fails:  parse() refuses everything else, naming the path and the reason.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

class RelPath {
 public:
  // The root.
  RelPath() = default;

  // Accepts "./", repeated and trailing slashes and inner ".." that stays inside, and normalizes
  // them away. Refuses absolute and escaping paths, NUL bytes and text that is not UTF-8.
  static Result<RelPath> parse(std::string_view text);
  // `text` is known to be normalized: it came from a RelPath, a Directory message that was
  // checked, or getdents under one.
  static RelPath from_normalized(std::string text);

  const std::string& str() const { return path_; }
  bool is_root() const { return path_.empty(); }
  // The root's parent is the root.
  RelPath parent() const;
  // The last component; empty for the root.
  std::string_view name() const;
  // `name` is one component.
  RelPath child(std::string_view name) const;
  RelPath join(const RelPath& below) const;
  // True for the path itself and for everything below it.
  bool is_within(const RelPath& ancestor) const;
  // The part below `ancestor`; CHECKs is_within().
  RelPath relative_to(const RelPath& ancestor) const;

  friend auto operator<=>(const RelPath&, const RelPath&) = default;

 private:
  explicit RelPath(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

bool is_valid_utf8(std::string_view text);
// A single path component: not empty, ".", ".."; no '/', no NUL; UTF-8.
bool is_valid_name(std::string_view name);
// `text` fit for a message: bytes that are not printable UTF-8 as \xNN.
std::string printable(std::string_view text);

}  // namespace kiln

template <>
struct std::hash<kiln::RelPath> {
  size_t operator()(const kiln::RelPath& path) const noexcept {
    return std::hash<std::string>()(path.str());
  }
};
