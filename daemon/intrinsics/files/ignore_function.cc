#include "daemon/intrinsics/files/ignore_function.h"

#include <algorithm>

#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.ignore/2";
constexpr std::string_view kRulesFile = ".gitignore";
constexpr std::string_view kGitDirectory = ".git";

bool has(const DirectoryListing& listing, std::string_view name, os::FileKind kind) {
  const os::DirEntry* entry = listing.find(name);
  return entry != nullptr && entry->kind == kind;
}

template <class T>
bool same(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// The rules of a .gitignore file that is no link: of those git follows none.
Task<Result<std::shared_ptr<const os::IgnoreRules>>> rules_in(graph::Context& context,
                                                              const FsFunctions& fs,
                                                              const Workspace& workspace,
                                                              const RelPath& path,
                                                              std::string source) {
  KILN_CO_ASSIGN(const graph::ValueRef state, co_await context.get(fs.file(workspace, path)));
  const auto& file = graph::value_as<FileState>(state).file;
  if (!file) co_return os::IgnoreRules::parse("", "");
  KILN_CO_ASSIGN(const std::string text, co_await fs.content(context, file->digest));
  co_return os::IgnoreRules::parse(text, std::move(source));
}

}  // namespace

std::string rule_text(const os::IgnoreRules::Match& match) {
  return "line " + std::to_string(match.line) + " of " + printable(match.source) + " (" +
         printable(match.pattern) + ")";
}

bool IgnoreRulesOf::bars(std::string_view name) const {
  return barred || name == kGitDirectory || std::find(own.begin(), own.end(), name) != own.end();
}

bool operator==(const IgnoreRulesOf& a, const IgnoreRulesOf& b) {
  return a.stack == b.stack && same(a.ignored, b.ignored) && a.barred == b.barred &&
         a.real == b.real && same(a.repository, b.repository) && a.own == b.own;
}

size_t footprint(const IgnoreRulesOf& rules) {
  return heap_bytes(rules.real) + heap_bytes(rules.own);
}

IgnoreFunction::IgnoreFunction(const FsFunctions& fs, const GitFunctions& git,
                               std::vector<std::string> own_directories)
    : fs_(fs), git_(git), own_directories_(std::move(own_directories)) {}

std::string_view IgnoreFunction::name() const { return kName; }

std::string IgnoreFunction::describe(const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  return "ignore rules of " + workspace->describe(path);
}

graph::Key IgnoreFunction::key(const Workspace& workspace, const RelPath& directory) const {
  return {KeyEncoder(kName).add(workspace.root()).add(directory.str()).hash(), this,
          graph::make_value(PathInput{&workspace, directory})};
}

Task<Result<bool>> IgnoreFunction::tracks(graph::Context& context, const IgnoreRulesOf& rules,
                                          std::string_view name) const {
  if (rules.repository == nullptr) co_return false;
  KILN_CO_ASSIGN(const graph::ValueRef tracked,
                 co_await context.get(git_.tracked(*rules.repository, rules.real)));
  co_return graph::value_as<TrackedNames>(tracked).contains(name);
}

Task<Result<graph::Computed>> IgnoreFunction::compute(graph::Context& context,
                                                      const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  IgnoreRulesOf rules;
  if (path.is_root()) {
    KILN_CO_ASSIGN(rules, co_await rules_of_root(context, *workspace));
  } else {
    KILN_CO_ASSIGN(const graph::ValueRef parent,
                   co_await context.get(key(*workspace, path.parent())));
    KILN_CO_ASSIGN(rules, co_await rules_below(context, *workspace, path,
                                               graph::value_as<IgnoreRulesOf>(parent)));
  }
  if (!rules.barred) KILN_CO_TRY(co_await add_own(context, *workspace, path, rules));
  co_return graph::Computed{graph::make_value(std::move(rules))};
}

Task<Result<std::shared_ptr<const GitRepository>>> IgnoreFunction::repository(
    graph::Context& context, const RelPath& directory) const {
  KILN_CO_ASSIGN(const graph::ValueRef found, co_await context.get(git_.repository(directory)));
  co_return graph::value_as<FoundRepository>(found).repository;
}

Task<Result<IgnoreRulesOf>> IgnoreFunction::rules_of_root(graph::Context& context,
                                                          const Workspace& workspace) const {
  IgnoreRulesOf rules;
  const Workspace& host = git_.host();
  KILN_CO_ASSIGN(const ResolvedPath root,
                 co_await resolve_path(context, fs_, host, RelPath(), workspace.root()));
  if (root.kind != ResolvedPath::Kind::kDirectory) co_return rules;  // it has just gone
  rules.real = root.target;
  for (RelPath top = rules.real;; top = top.parent()) {
    KILN_CO_ASSIGN(rules.repository, co_await repository(context, top));
    if (rules.repository != nullptr || top.is_root()) break;
  }
  if (rules.repository == nullptr) co_return rules;
  const RelPath& top = rules.repository->place.top;
  const RelPath below = rules.real.relative_to(top);
  rules.stack = rules.stack.push_above(below, rules.repository->user_rules)
                    .push_above(below, rules.repository->info_rules);
  // From the top down to the root's parent.
  for (RelPath at = top, rest = below; !rest.is_root();) {
    const RelPath file = at.child(kRulesFile);
    KILN_CO_ASSIGN(auto own, co_await rules_in(context, fs_, host, file, host.absolute(file)));
    rules.stack = rules.stack.push_above(rest, std::move(own));
    const RelPath next = RelPath::from_normalized(rest.str().substr(0, rest.str().find('/')));
    rest = rest.relative_to(next);
    at = at.join(next);
  }
  co_return rules;
}

Task<Result<IgnoreRulesOf>> IgnoreFunction::rules_below(graph::Context& context,
                                                        const Workspace& workspace,
                                                        const RelPath& path,
                                                        const IgnoreRulesOf& parent) const {
  IgnoreRulesOf rules;
  rules.real = parent.real.child(path.name());
  rules.barred = parent.bars(path.name());
  if (rules.barred) co_return rules;
  rules.stack = parent.stack;
  rules.repository = parent.repository;
  rules.ignored = parent.ignored;
  if (rules.ignored == nullptr) {
    const auto match = parent.stack.match(path, true);
    if (match && match->ignored) {
      rules.ignored = std::make_shared<const IgnoreRulesOf::Reason>(
          IgnoreRulesOf::Reason{path.str(), rule_text(*match)});
    }
  }
  KILN_CO_ASSIGN(const graph::ValueRef listed, co_await context.get(fs_.listing(workspace, path)));
  if (graph::value_as<DirectoryListing>(listed).find(kGitDirectory) == nullptr) co_return rules;
  KILN_CO_ASSIGN(auto inner, co_await repository(context, rules.real));
  if (inner == nullptr) co_return rules;
  if (rules.ignored != nullptr) {
    // A submodule is tracked. Any other repository in an ignored directory is ignored with it.
    KILN_CO_ASSIGN(const bool submodule, co_await tracks(context, parent, path.name()));
    if (!submodule) co_return rules;
  }
  rules.ignored = nullptr;
  rules.stack = os::IgnoreStack().push(path, inner->user_rules).push(path, inner->info_rules);
  rules.repository = std::move(inner);
  co_return rules;
}

Task<Result<void>> IgnoreFunction::add_own(graph::Context& context, const Workspace& workspace,
                                           const RelPath& path, IgnoreRulesOf& rules) const {
  const std::string directory = git_.host().absolute(rules.real);
  for (const std::string& own : own_directories_) {
    const size_t slash = own.rfind('/');
    if (own.substr(0, slash) == directory || (slash == 0 && rules.real.is_root())) {
      rules.own.push_back(own.substr(slash + 1));
    }
  }
  // Of an ignored directory git reads no rules.
  if (rules.ignored != nullptr) co_return Result<void>();
  KILN_CO_ASSIGN(const graph::ValueRef listed, co_await context.get(fs_.listing(workspace, path)));
  if (has(graph::value_as<DirectoryListing>(listed), kRulesFile, os::FileKind::kFile)) {
    const RelPath file = path.child(kRulesFile);
    KILN_CO_ASSIGN(auto own, co_await rules_in(context, fs_, workspace, file, file.str()));
    rules.stack = rules.stack.push(path, std::move(own));
  }
  co_return Result<void>();
}

}  // namespace kiln::intrinsics
