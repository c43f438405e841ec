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

// The path that a spec speaks of, or its glob.
std::string target_of(const Spec& spec) {
  return spec.kind == Spec::Kind::kGlob ? spec.glob : spec.path.str();
}

// Its directories, from the root on: "a" and "a/b" of "a/b/c".
std::vector<std::string> directories_of(const std::string& target) {
  std::vector<std::string> directories;
  for (size_t at = target.find('/'); at != std::string::npos; at = target.find('/', at + 1)) {
    directories.push_back(target.substr(0, at));
  }
  return directories;
}

// What is beside it, and beside each of its directories.
PathGlobs surroundings(const Spec& spec) {
  PathGlobs globs{.globs = {"*"}};
  for (const std::string& directory : directories_of(target_of(spec))) {
    const bool literal = spec.kind != Spec::Kind::kGlob;
    globs.globs.push_back((literal ? intrinsics::literal_glob(directory) : directory) + "/*");
  }
  return globs;
}

// The same files once more, with the reason if a rule hides them.
PathGlobs explained(const Spec& spec) {
  return {
      .globs = {spec.glob}, .match_error = intrinsics::GlobMatchError::kWarn, .origin = "the spec"};
}

std::string listed(const std::vector<std::string>& names, std::string_view last) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? last : ", ";
    text += printable(names[i]);
  }
  return text;
}

// "; did you mean src or srv?": names beside the first part of the path that is not there.
std::string did_you_mean(const Spec& spec, const Paths& around) {
  const std::string target = target_of(spec);
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool of_directory = spec.kind == Spec::Kind::kDirectory || spec.kind == Spec::Kind::kTree;
  if (of_directory && is_in(around.files, target)) return ": it is one itself, and no directory";
  std::string missing = target;
  for (const std::string& directory : directories_of(target)) {
    if (is_in(around.dirs, directory)) continue;
    missing = directory;
    break;
  }
  const auto beside = [&missing](const std::string& name) {
    return std::count(name.begin(), name.end(), '/') ==
           std::count(missing.begin(), missing.end(), '/');
  };
  std::vector<std::string_view> names;
  std::copy_if(around.dirs.begin(), around.dirs.end(), std::back_inserter(names), beside);
  if (missing == target && !of_directory) {
    std::copy_if(around.files.begin(), around.files.end(), std::back_inserter(names), beside);
  }
  std::vector<std::string> likely;
  for (const std::string_view name : rules::nearest(missing, names)) {
    const bool tree = spec.kind == Spec::Kind::kTree && missing == target;
    likely.push_back(std::string(name) + (tree ? "::" : ""));
  }
  return likely.empty() ? "" : "; did you mean " + listed(likely, " or ") + "?";
}

Error nothing_matches(const Spec& spec, const Paths& found, const Paths& around, const Paths& why) {
  std::string text = "the spec '" + printable(spec.text) + "' matches no file";
  if (!found.dirs.empty()) {
    text += ", only directories; `" + printable(found.dirs.front()) +
            "::` is all that is below one of them";
  } else {
    text += did_you_mean(spec, around);
  }
  for (const std::string& warning : found.warnings) text += "\n  " + warning;
  // What follows the first line, which says what ours does.
  for (const std::string& warning : why.warnings) {
    if (const size_t end = warning.find('\n'); end != std::string::npos)
      text += warning.substr(end);
  }
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
      const auto& [around, why] =
          co_await all(get<Paths>(surroundings(spec)), get<Paths>(explained(spec)));
      co_return nothing_matches(spec, *paths, around, why);
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
