#include "daemon/backends/core/spec.h"

#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/intrinsics/path_globs.h"

namespace kiln::backends {

namespace {

std::string below(const RelPath& directory, std::string_view glob) {
  if (directory.is_root()) return std::string(glob);
  return intrinsics::literal_glob(directory.str()) + "/" + std::string(glob);
}

Result<Spec> parse(const std::string& text) {
  Spec spec{.text = text};
  std::string_view rest = text;
  if (rest.starts_with('-')) {
    spec.excludes = true;
    rest.remove_prefix(1);
  }
  if (rest.empty()) return user_error(ErrorCode::kInvalidArgument, "it is empty");
  if (rest.ends_with("::")) {
    spec.kind = Spec::Kind::kTree;
    rest.remove_suffix(2);
  } else if (rest.ends_with(':') || (rest.ends_with('/') && rest != "/")) {
    spec.kind = Spec::Kind::kDirectory;
    rest.remove_suffix(1);
  } else if (rest.find_first_of("*?[") != std::string_view::npos) {
    spec.kind = Spec::Kind::kGlob;
    spec.glob = rest;
    KILN_TRY(intrinsics::make_glob_query({&spec.glob, 1}, "", true));
    return spec;
  }
  if (os::has_parent(rest)) {
    return user_error(ErrorCode::kInvalidArgument,
                      "it has '..' in it; write the path that it leads to, without '..'");
  }
  KILN_ASSIGN(spec.path, RelPath::parse(rest));
  if (spec.kind == Spec::Kind::kPath && spec.path.is_root()) spec.kind = Spec::Kind::kDirectory;
  spec.glob = spec.kind == Spec::Kind::kPath   ? intrinsics::literal_glob(spec.path.str())
              : spec.kind == Spec::Kind::kTree ? below(spec.path, "**")
                                               : below(spec.path, "*");
  return spec;
}

}  // namespace

std::string Spec::glob_inside() const { return below(path, "*"); }

std::optional<std::string> Spec::pruning_glob() const {
  if (kind != Kind::kTree || path.str().find('\n') != std::string::npos) return std::nullopt;
  return "!/" + (path.is_root() ? "**" : intrinsics::literal_glob(path.str()) + "/");
}

Result<Spec> parse_spec(const std::string& text) {
  auto spec = parse(text);
  if (spec.ok()) return spec;
  return user_error(ErrorCode::kInvalidArgument,
                    "the spec '" + printable(text) + "' cannot be used: " + spec.error().message());
}

}  // namespace kiln::backends
