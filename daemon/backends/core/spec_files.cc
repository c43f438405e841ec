#include "daemon/backends/core/spec_files.h"

#include <algorithm>
#include <set>

#include "daemon/backends/core/spec.h"
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

Result<std::vector<Spec>> parse_all(const Specs& specs) {
  if (specs.specs.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "which files? There is no spec; `::` is everything, as in `kiln lint ::`");
  }
  std::vector<Spec> parsed;
  for (const std::string& text : specs.specs) {
    KILN_ASSIGN(parsed.emplace_back(), parse_spec(text));
  }
  return parsed;
}

// What to ask for one spec. A tree that is taken away is only looked for, not walked: what is in it
// is of no interest, and may be why it is taken away.
PathGlobs globs_of(const Spec& spec, const std::vector<std::string>& prunes) {
  if (spec.excludes && spec.pruning_glob() && !spec.path.is_root()) {
    return {.globs = {intrinsics::literal_glob(spec.path.str())}};
  }
  PathGlobs globs{.globs = {spec.glob}};
  if (!spec.excludes) globs.globs.insert(globs.globs.end(), prunes.begin(), prunes.end());
  return globs;
}

// The globs of the directory that a spec speaks of.
PathGlobs surroundings(const Spec& spec) {
  const size_t slash = spec.glob.rfind('/');
  return PathGlobs{
      .globs = {slash == std::string::npos ? "*" : spec.glob.substr(0, slash) + "/*", "*"}};
}

std::string listed(const std::vector<std::string_view>& names, std::string_view last) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? last : ", ";
    text += printable(names[i]);
  }
  return text;
}

Error nothing_matches(const Spec& spec, const Paths& found, const Paths& around) {
  std::string text = "the spec '" + printable(spec.text) + "' matches no file";
  if (!found.dirs.empty()) {
    text += ", only directories; `" + printable(found.dirs.front()) +
            "::` is all that is below one of them";
  } else {
    std::vector<std::string_view> names(around.files.begin(), around.files.end());
    names.insert(names.end(), around.dirs.begin(), around.dirs.end());
    const std::vector<std::string_view> likely = rules::nearest(spec.glob, names);
    if (!likely.empty()) text += "; did you mean " + listed(likely, " or ") + "?";
  }
  for (const std::string& warning : found.warnings) text += "\n  " + warning;
  return user_error(ErrorCode::kInvalidArgument, std::move(text));
}

Rule<SpecFiles, Gets<Paths(PathGlobs)>> spec_files(const Specs& specs) {
  KILN_CO_ASSIGN(const std::vector<Spec> parsed, parse_all(specs));
  std::vector<std::string> prunes;
  for (const Spec& spec : parsed) {
    if (!spec.excludes) continue;
    if (auto prune = spec.pruning_glob()) prunes.push_back(*std::move(prune));
  }
  std::vector<rules::Get<Paths, PathGlobs>> asked;
  for (const Spec& spec : parsed) asked.push_back(get<Paths>(globs_of(spec, prunes)));
  const auto found = co_await all(std::move(asked));

  std::set<std::string> included;
  std::set<std::string> excluded;
  std::set<std::string> warnings;
  for (size_t i = 0; i < parsed.size(); ++i) {
    const Spec& spec = parsed[i];
    const Paths* paths = &found[i];
    if (spec.kind == Spec::Kind::kPath && paths->files.empty() && !paths->dirs.empty()) {
      paths = &co_await get<Paths>(PathGlobs{.globs = {spec.glob_inside()}});
    }
    if (spec.excludes) {
      if (found[i].files.empty() && found[i].dirs.empty()) {
        warnings.insert("the spec '" + printable(spec.text) + "' takes nothing away");
      }
      excluded.insert(paths->files.begin(), paths->files.end());
      continue;
    }
    if (paths->files.empty() && !prunes.empty()) {  // perhaps only because of what is taken away
      paths = &co_await get<Paths>(PathGlobs{.globs = {spec.glob}});
      if (!paths->files.empty() || !paths->dirs.empty()) continue;
    }
    if (paths->files.empty() && !spec.is_everything()) {
      co_return nothing_matches(spec, *paths, co_await get<Paths>(surroundings(spec)));
    }
    warnings.insert(paths->warnings.begin(), paths->warnings.end());
    included.insert(paths->files.begin(), paths->files.end());
  }
  SpecFiles result;
  std::set_difference(included.begin(), included.end(), excluded.begin(), excluded.end(),
                      std::back_inserter(result.files));
  result.warnings.assign(warnings.begin(), warnings.end());
  co_return result;
}

}  // namespace

size_t footprint(const SpecFiles& files) {
  size_t bytes = 0;
  for (const auto& texts : {&files.files, &files.warnings}) {
    for (const std::string& text : *texts) bytes += sizeof text + text.capacity();
  }
  return bytes;
}

std::vector<std::string> named_files(const Specs& specs, const SpecFiles& files) {
  std::vector<std::string> named;
  for (const std::string& text : specs.specs) {
    const auto spec = parse_spec(text);
    if (!spec.ok() || spec->excludes || spec->kind != Spec::Kind::kPath) continue;
    if (std::binary_search(files.files.begin(), files.files.end(), spec->path.str())) {
      named.push_back(spec->path.str());
    }
  }
  return named;
}

void print_warnings(rules::Console& console, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    console.print_error("warning: " + printable(warning) + "\n");
  }
}

rules::RuleSet spec_rules() {
  rules::RuleSet set;
  set.root<Specs>();
  set.add<&spec_files>();
  set.query<SpecFiles()>();
  return set;
}

}  // namespace kiln::backends
