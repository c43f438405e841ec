#include "daemon/intrinsics/link_resolver.h"

#include <deque>

namespace kiln::intrinsics {

namespace {

constexpr int kMaxLinks = 40;

// Components of a link's target in front of what was still to go.
void prepend(std::deque<std::string>& rest, std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

}  // namespace

Task<Result<ResolvedLink>> resolve_link(graph::Context& context, const FsFunctions& fs,
                                        const Workspace& workspace, RelPath link) {
  using Kind = ResolvedLink::Kind;
  RelPath at = link.parent();  // a directory without symlinks in its path
  std::deque<std::string> rest{std::string(link.name())};
  int links = 0;
  while (!rest.empty()) {
    const std::string part = std::move(rest.front());
    rest.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (at.is_root()) co_return ResolvedLink{Kind::kOutside, {}};
      at = at.parent();
      continue;
    }
    KILN_CO_ASSIGN(const graph::ValueRef value, co_await context.get(fs.listing(workspace, at)));
    const os::DirEntry* entry = graph::value_as<DirectoryListing>(value).find(part);
    if (entry == nullptr) co_return ResolvedLink{Kind::kDead, {}};
    const RelPath next = at.child(part);
    switch (entry->kind) {
      case os::FileKind::kDirectory:
        at = next;
        break;
      case os::FileKind::kFile:
        if (!rest.empty()) co_return ResolvedLink{Kind::kDead, {}};
        co_return ResolvedLink{Kind::kFile, next};
      case os::FileKind::kOther:
        co_return ResolvedLink{Kind::kDead, {}};
      case os::FileKind::kSymlink: {
        if (++links > kMaxLinks) co_return ResolvedLink{Kind::kLoop, {}};
        KILN_CO_ASSIGN(const graph::ValueRef read, co_await context.get(fs.link(workspace, next)));
        const auto& target = graph::value_as<LinkTarget>(read).target;
        if (!target) co_return ResolvedLink{Kind::kDead, {}};
        if (target->starts_with('/')) co_return ResolvedLink{Kind::kOutside, {}};
        prepend(rest, *target);
        break;
      }
    }
  }
  co_return ResolvedLink{Kind::kDirectory, at};
}

}  // namespace kiln::intrinsics
