#include "daemon/backends/core/spec_files.h"

#include <algorithm>
#include <set>

#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/nearest.h"

namespace kiln::backends {

namespace {

using intrinsics::PathGlobs;
using intrinsics::Paths;
using intrinsics::Specs;
using rules::all;
using rules::get;
using rules::Gets;
using rules::Rule;

// One spec: which globs it stands for, and whether it takes away.
struct Spec {
  std::string text;
  std::string glob;
  bool excludes = false;
  bool plain = false;  // a path as it is: a file, or a directory
};

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

std::string below(std::string_view directory, std::string_view glob) {
  while (directory.ends_with('/')) directory.remove_suffix(1);
  if (directory.empty() || directory == ".") return std::string(glob);
  return intrinsics::literal_glob(directory) + "/" + std::string(glob);
}

Spec parse(const std::string& text) {
  Spec spec{.text = text};
  std::string_view rest = text;
  if (rest.starts_with('-')) {
    spec.excludes = true;
    rest.remove_prefix(1);
  }
  if (rest.ends_with("::")) {
    spec.glob = below(rest.substr(0, rest.size() - 2), "**");
  } else if (rest.ends_with(':') || rest.ends_with('/')) {
    spec.glob = below(rest.substr(0, rest.size() - 1), "*");
  } else {
    spec.plain = !has_wildcard(rest);
    spec.glob = spec.plain ? intrinsics::literal_glob(rest) : std::string(rest);
  }
  return spec;
}

std::vector<Spec> parse_all(const Specs& specs) {
  std::vector<Spec> parsed;
  for (const std::string& text : specs.specs) parsed.push_back(parse(text));
  return parsed;
}

Error nothing_matches(const Spec& spec, const Paths& around) {
  std::string text = "the spec '" + printable(spec.text) + "' matches no file";
  std::vector<std::string_view> names(around.files.begin(), around.files.end());
  names.insert(names.end(), around.dirs.begin(), around.dirs.end());
  const std::vector<std::string_view> likely = rules::nearest(spec.glob, names);
  for (size_t i = 0; i < likely.size(); ++i) {
    text += i == 0 ? "; did you mean " : i + 1 == likely.size() ? " or " : ", ";
    text += printable(likely[i]);
  }
  return user_error(ErrorCode::kInvalidArgument, text + (likely.empty() ? "" : "?"));
}

// The globs of the directory that a spec speaks of.
PathGlobs surroundings(const Spec& spec) {
  const size_t slash = spec.glob.rfind('/');
  return PathGlobs{
      .globs = {slash == std::string::npos ? "*" : spec.glob.substr(0, slash) + "/*", "*"}};
}

Rule<SpecFiles, Gets<Paths(PathGlobs)>> spec_files(const Specs& specs) {
  const std::vector<Spec> parsed = parse_all(specs);
  std::vector<rules::Get<Paths, PathGlobs>> asked;
  for (const Spec& spec : parsed) asked.push_back(get<Paths>(PathGlobs{.globs = {spec.glob}}));
  const auto found = co_await all(std::move(asked));

  std::set<std::string> included;
  std::set<std::string> excluded;
  for (size_t i = 0; i < parsed.size(); ++i) {
    const Spec& spec = parsed[i];
    std::set<std::string>& into = spec.excludes ? excluded : included;
    const Paths* paths = &found[i];
    if (spec.plain && paths->files.empty() && !paths->dirs.empty()) {
      paths = &co_await get<Paths>(PathGlobs{.globs = {spec.glob + "/*"}});
    }
    if (paths->files.empty() && paths->dirs.empty() && !spec.excludes) {
      co_return nothing_matches(spec, co_await get<Paths>(surroundings(spec)));
    }
    into.insert(paths->files.begin(), paths->files.end());
  }
  SpecFiles result;
  std::set_difference(included.begin(), included.end(), excluded.begin(), excluded.end(),
                      std::back_inserter(result.files));
  co_return result;
}

}  // namespace

size_t footprint(const SpecFiles& files) {
  size_t bytes = 0;
  for (const std::string& file : files.files) bytes += sizeof file + file.capacity();
  return bytes;
}

rules::RuleSet spec_rules() {
  rules::RuleSet set;
  set.root<Specs>();
  set.add<&spec_files>();
  set.query<SpecFiles()>();
  return set;
}

}  // namespace kiln::backends
