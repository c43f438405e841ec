#include "daemon/intrinsics/files/named_globs.h"

#include <algorithm>
#include <optional>

#include "daemon/intrinsics/files/path_resolver.h"
#include "daemon/os/glob.h"

namespace kiln::intrinsics {

namespace {

Error refused(std::string_view glob, std::string_view why) {
  return user_error(ErrorCode::kInvalidArgument,
                    "glob '" + printable(glob) + "' " + std::string(why));
}

// The end of the last component "..", or nothing.
std::optional<size_t> end_of_last_parent(std::string_view path) {
  for (size_t at = path.rfind(".."); at != std::string_view::npos; at = path.rfind("..", at - 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return at + 2;
    if (at == 0) break;
  }
  return std::nullopt;
}

class Naming {
 public:
  Naming(graph::Context& context, const FsFunctions& fs, const Workspace& workspace)
      : context_(context), fs_(fs), workspace_(workspace) {}

  Task<Result<std::string>> include(std::string glob) {
    Parts parts{{}, std::move(glob)};
    if (const auto end = end_of_last_parent(parts.rest)) {
      KILN_CO_ASSIGN(parts, co_await without_parents(parts.rest, *end));
    }
    KILN_CO_ASSIGN(const bool named, co_await names_a_path(parts.directory + parts.rest));
    co_return os::literal_glob(parts.directory) +
        (named ? os::literal_glob(parts.rest) : parts.rest);
  }

  // `glob` begins with '!'. A leading '/' is not part of the path.
  Task<Result<std::string>> exclude(std::string glob) {
    const size_t skipped = glob.starts_with("!/") ? 2 : 1;
    const std::string path = glob.substr(skipped);
    KILN_CO_ASSIGN(const bool named, co_await names_a_path(path));
    co_return named ? glob.substr(0, skipped) + os::literal_glob(path) : glob;
  }

 private:
  struct Parts {
    std::string directory;  // a path, as the disk has it
    std::string rest;       // of the glob, with the slash before it
  };

  // Whether it has characters of a pattern and is nevertheless a path that exists.
  Task<Result<bool>> names_a_path(const std::string& text) {
    const bool pattern = text.find_first_of("*?[\\") != std::string::npos;
    if (!pattern || text.starts_with('/') || !is_valid_utf8(text) ||
        text.find('\0') != std::string::npos) {
      co_return false;
    }
    const auto found = co_await resolve_path(context_, fs_, workspace_, RelPath(), text);
    if (!found.ok()) {
      if (found.error().code() == ErrorCode::kPermissionDenied) co_return false;
      co_return found.error();
    }
    co_return found->kind != ResolvedPath::Kind::kDead;
  }

  // `end`: of the last ".." in the glob.
  Task<Result<Parts>> without_parents(const std::string& glob, size_t end) {
    if (glob.starts_with('/') || glob.find('\0') != std::string::npos) co_return Parts{{}, glob};
    KILN_CO_ASSIGN(const ResolvedPath found, co_await resolve_path(context_, fs_, workspace_,
                                                                   RelPath(), glob.substr(0, end)));
    switch (found.kind) {
      case ResolvedPath::Kind::kDirectory:
        break;
      case ResolvedPath::Kind::kOutside:
        co_return refused(glob, "leaves the root it is relative to");
      default:
        co_return refused(glob, "has '..' behind what is no directory");
    }
    Parts parts{found.target.str(), glob.substr(end)};
    if (!found.target.is_root()) co_return parts;
    parts.rest.erase(0, std::min(parts.rest.find_first_not_of('/'), parts.rest.size()));
    if (!parts.rest.empty()) co_return parts;
    co_return refused(glob, "is the root itself; '**' is all that is in it");
  }

  graph::Context& context_;
  const FsFunctions& fs_;
  const Workspace& workspace_;
};

}  // namespace

Task<Result<std::vector<std::string>>> named_globs(graph::Context& context, const FsFunctions& fs,
                                                   const Workspace& workspace,
                                                   std::vector<std::string> globs) {
  Naming naming(context, fs, workspace);
  for (std::string& glob : globs) {
    if (glob.starts_with('!')) {
      KILN_CO_ASSIGN(glob, co_await naming.exclude(glob));
    } else {
      KILN_CO_ASSIGN(glob, co_await naming.include(glob));
    }
  }
  co_return globs;
}

}  // namespace kiln::intrinsics
