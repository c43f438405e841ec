#include "daemon/intrinsics/files/path_resolver.h"

#include <deque>
#include <string>

namespace kiln::intrinsics {

namespace {

constexpr int kMaxLinks = 40;

// The components of `path` in front of what was still to go. A slash at its end asks for a
// directory, as "." does.
void prepend(std::deque<std::string>& rest, std::string_view path) {
  std::deque<std::string> parts;
  const bool directory = path.ends_with('/');
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  if (directory) parts.emplace_back(".");
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

}  // namespace

Task<Result<ResolvedPath>> resolve_path(graph::Context& context, const FsFunctions& fs,
                                        const Workspace& workspace, RelPath from,
                                        std::string_view path) {
  using Kind = ResolvedPath::Kind;
  RelPath at = path.starts_with('/') ? RelPath() : std::move(from);
  if (path.starts_with('/') && !workspace.is_whole())
    co_return ResolvedPath{Kind::kOutside, {}, {}};
  std::deque<std::string> rest;
  prepend(rest, path);
  int links = 0;
  while (!rest.empty()) {
    const std::string part = std::move(rest.front());
    rest.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (at.is_root() && !workspace.is_whole()) co_return ResolvedPath{Kind::kOutside, {}, {}};
      at = at.parent();
      continue;
    }
    const RelPath next = at.child(part);
    KILN_CO_ASSIGN(const graph::ValueRef value, co_await context.get(fs.metadata(workspace, next)));
    const auto& metadata = graph::value_as<MetadataState>(value).metadata;
    if (!metadata) co_return ResolvedPath{Kind::kDead, {}, {}};
    switch (metadata->kind) {
      case os::FileKind::kDirectory:
        at = next;
        break;
      case os::FileKind::kFile:
      case os::FileKind::kOther:
        if (!rest.empty()) co_return ResolvedPath{Kind::kDead, {}, {}};
        co_return ResolvedPath{metadata->kind == os::FileKind::kFile ? Kind::kFile : Kind::kOther,
                               next, *metadata};
      case os::FileKind::kSymlink: {
        if (++links > kMaxLinks) co_return ResolvedPath{Kind::kLoop, {}, {}};
        if (metadata->target.starts_with('/')) {
          if (!workspace.is_whole()) co_return ResolvedPath{Kind::kOutside, {}, {}};
          at = RelPath();
        }
        prepend(rest, metadata->target);
        break;
      }
    }
  }
  co_return ResolvedPath{Kind::kDirectory, at, {}};
}

}  // namespace kiln::intrinsics
