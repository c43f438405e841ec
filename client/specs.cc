#include "client/specs.h"

#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "common/types/rel_path.h"

namespace kiln {

namespace {

constexpr std::string_view kWildcards = "*?[";

// What follows `root` in `path`, if it is there or below: "a/b" of "/work/a/b" in "/work".
std::optional<std::string_view> below(std::string_view root, std::string_view path) {
  if (root == "/") return path.substr(1);
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

// The same path with the symlinks of its directory resolved; as it is if there is no such thing.
std::string with_real_directory(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  std::array<char, PATH_MAX> buffer;
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  if (::realpath(directory.c_str(), buffer.data()) == nullptr) return path;
  return std::string(buffer.data()) + path.substr(slash);
}

// A path as a glob that matches it alone.
std::string escaped(std::string_view path) {
  std::string glob;
  for (const char c : path) {
    if (c == '\\' || kWildcards.find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::string joined(const std::vector<std::string>& first, const std::vector<std::string>& then) {
  std::string text;
  for (const auto* parts : {&first, &then}) {
    for (const std::string& part : *parts) text.append(text.empty() ? "" : "/").append(part);
  }
  return text;
}

// Completed by the name of the workspace.
Error leads_out() { return user_error(ErrorCode::kInvalidArgument, "leads out of the workspace"); }

bool exists(const std::string& path) {
  struct stat there;
  return ::lstat(path.c_str(), &there) == 0;
}

bool has_wildcard(std::string_view text) {
  return text.find_first_of(kWildcards) != std::string_view::npos;
}

bool is_directory_by_name(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "." || name == "..";
}

// Whether the path has a component "." or "..".
bool has_dots(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (is_directory_by_name(path.substr(0, end))) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

// The end of a spec that says which files of a directory are meant.
std::string_view directory_mark(std::string_view spec) {
  for (const std::string_view mark : {"::", ":", "/"}) {
    if (spec.ends_with(mark) && spec != "/" && spec != "//") return mark;
  }
  return "";
}

}  // namespace

bool is_excluding_spec(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-' && argument[1] != '-' &&
         argument.find_first_of(":/.*", 1) != std::string::npos &&
         argument.find('=') == std::string::npos;
}

SpecResolver::SpecResolver(std::string root, const std::string& here) : root_(std::move(root)) {
  below_ = below(root_, here).value_or("");
}

Result<std::string> SpecResolver::resolve(std::string_view typed) const {
  const std::string_view sign = typed.starts_with('-') ? "-" : "";
  std::string_view spec = typed.substr(sign.size());
  if (spec.empty() || spec == "::") return std::string(typed);
  std::string_view mark = directory_mark(spec);
  spec.remove_suffix(mark.size());
  if (mark.empty() && is_directory_by_name(spec)) mark = "/";
  // Only what was typed is a glob, not the directory that it was typed in.
  const auto path = relative(spec, mark.empty() && (has_wildcard(spec) || has_wildcard(below_)));
  if (!path.ok()) return misplaced("spec", typed, path.error());
  if (path->empty()) return std::string(sign) + (mark == "::" ? "::" : "./");
  const bool like_an_option = sign.empty() && path->starts_with('-');
  return std::string(sign) + (like_an_option ? "./" : "") + *path + std::string(mark);
}

Result<std::string> SpecResolver::glob(std::string_view typed) const {
  const std::string_view sign = typed.starts_with('!') ? "!" : "";
  const std::string_view glob = typed.substr(sign.size());
  const std::string_view inner = glob.substr(0, glob.find_last_not_of('/') + 1);
  const bool is_name = inner.find('/') == std::string_view::npos && !is_directory_by_name(inner);
  // From the root the daemon reads what was typed.
  if (inner.empty() || (is_name && (!sign.empty() || below_.empty()))) return std::string(typed);
  if (below_.empty() && !glob.starts_with('/') && !has_dots(glob)) return std::string(typed);
  const bool anchored = !sign.empty() && glob.starts_with('/') && !glob.starts_with("//");
  auto path = relative(anchored ? glob.substr(1) : glob, true);
  if (!path.ok()) return misplaced("glob", typed, path.error());
  const std::string_view end = glob.ends_with('/') ? "/" : "";
  // An exclude with a slash in it is from the root for the daemon; "!" in front would make an
  // exclude.
  const std::string_view front = !sign.empty() ? "/" : path->starts_with('!') ? "./" : "";
  return std::string(sign) + std::string(front) + *path + std::string(end);
}

Result<std::string> SpecResolver::path(std::string_view typed) const {
  auto path = relative(typed, false);
  if (!path.ok()) return misplaced("path", typed, path.error());
  return path;
}

Error SpecResolver::misplaced(std::string_view what, std::string_view typed,
                              const Error& error) const {
  return user_error(ErrorCode::kInvalidArgument, "the " + std::string(what) + " '" +
                                                     std::string(typed) + "' " + error.message() +
                                                     " " + root_);
}

Result<std::string> SpecResolver::relative(std::string_view path, bool escape) const {
  if (path.starts_with("//")) return relative_to({}, path.substr(2), escape);
  if (path.starts_with('/')) {
    auto found = below(root_, path);
    const std::string real = with_real_directory(std::string(path));
    if (!found) found = below(root_, real);
    if (!found) return leads_out();
    return relative_to({}, *found, false);
  }
  return relative_to(components(below_), path, escape);
}

// `here`: the components of a directory that is real, without symlinks. They are escaped in the
// result if that is to be a glob.
Result<std::string> SpecResolver::relative_to(std::vector<std::string> here, std::string_view path,
                                              bool escape) const {
  std::vector<std::string> typed;
  for (std::string& part : components(path)) {
    if (part == ".") continue;
    if (part != "..") {
      typed.push_back(std::move(part));
    } else if (!typed.empty()) {
      KILN_ASSIGN(here, parent_of(joined(here, typed)));
      typed.clear();
    } else if (!here.empty()) {
      here.pop_back();
    } else {
      return leads_out();
    }
  }
  const std::string directory = joined(here, {});
  const std::string rest = joined({}, typed);
  const std::string whole = joined(here, typed);
  // The shell has expanded the line already: what exists by this very name is meant.
  if (escape && has_wildcard(rest) && exists(root_ + "/" + whole)) return escaped(whole);
  if (directory.empty() || rest.empty()) return whole;
  return (escape ? escaped(directory) : directory) + "/" + rest;
}

// The parent of a directory of the workspace, as the kernel sees it: of the directory that it leads
// to, if it is a symlink.
Result<std::vector<std::string>> SpecResolver::parent_of(const std::string& path) const {
  std::array<char, PATH_MAX> buffer;
  if (::realpath((root_ + "/" + path + "/..").c_str(), buffer.data()) == nullptr) {
    return user_error(ErrorCode::kInvalidArgument,
                      "has '..' behind " + path + ", which is no directory of the workspace");
  }
  const std::string real = buffer.data();
  auto found = below(root_, real);
  if (!found && ::realpath(root_.c_str(), buffer.data()) != nullptr) {
    found = below(buffer.data(), real);
  }
  if (!found) return leads_out();
  return components(*found);
}

}  // namespace kiln
