#include "daemon/intrinsics/files/linked_glob_function.h"

#include <algorithm>
#include <optional>
#include <span>

#include "daemon/intrinsics/files/link_loops.h"
#include "daemon/store/limits.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.linked/1";

GlobInput root_of(const Workspace& workspace, std::shared_ptr<const GlobQuery> query) {
  GlobInput input{.workspace = &workspace, .query = nullptr, .real = {}, .state = {}};
  input.state = query->globs->root();
  input.query = std::move(query);
  return input;
}

// A tree that is to stand at a path.
struct Graft {
  RelPath path;
  store::TreePtr tree;
};

// The directory `tree` (null: a new one) with `grafts`, which are sorted by path. The first
// `prefix` bytes of their paths lead to the directory.
store::TreePtr grafted(const store::TreePtr& tree, std::span<const Graft> grafts, size_t prefix) {
  std::vector<store::Entry> entries;
  if (tree != nullptr) entries = tree->entries();
  const size_t old = entries.size();
  const auto name_of = [prefix](const Graft& graft) {
    const std::string_view rest = std::string_view(graft.path.str()).substr(prefix);
    return rest.substr(0, rest.find('/'));
  };
  while (!grafts.empty()) {
    const std::string_view name = name_of(grafts.front());
    const auto end = std::find_if(grafts.begin(), grafts.end(),
                                  [&](const Graft& graft) { return name_of(graft) != name; });
    const std::span<const Graft> group(grafts.begin(), end);
    auto at = std::lower_bound(
        entries.begin(), entries.begin() + static_cast<ptrdiff_t>(old), name,
        [](const store::Entry& entry, std::string_view n) { return entry.name < n; });
    if (at == entries.begin() + static_cast<ptrdiff_t>(old) || at->name != name) {
      at = entries.insert(entries.end(), {std::string(name), store::TreePtr()});
    }
    const size_t below = prefix + name.size();
    if (group.front().path.str().size() == below) {
      at->node = group.front().tree;  // nothing else is at a link's path, or below it
    } else {
      at->node = grafted(std::get<store::TreePtr>(at->node), group, below + 1);
    }
    grafts = grafts.subspan(group.size());
  }
  return store::Tree::make(std::move(entries));
}

Error too_many(const GlobInput& input, const RelPath& link) {
  return user_error(ErrorCode::kResourceExhausted,
                    "the globs select more than " + std::to_string(kMostSelected) +
                        " files and directories, since links lead to the same ones again and "
                        "again; the last was " +
                        input.workspace->describe(input.real.join(link)) +
                        "; exclude links with a '!' glob or .gitignore");
}

Error too_deep(const GlobInput& input) {
  return user_error(ErrorCode::kResourceExhausted,
                    "links in " + input.workspace->describe(input.real) +
                        " lead through more than " + std::to_string(store::kMaxTreeDepth) +
                        " levels of directories; exclude some with a '!' glob or .gitignore");
}

}  // namespace

LinkedGlobFunction::LinkedGlobFunction(const GlobFunction& glob)
    : glob_(glob), loops_(make_link_loops(glob)) {}
LinkedGlobFunction::~LinkedGlobFunction() = default;

std::string_view LinkedGlobFunction::name() const { return kName; }

std::string LinkedGlobFunction::describe(const graph::Value& value) const {
  const auto& input = graph::value_as<GlobInput>(value);
  return "follow links in " + input.workspace->describe(input.real);
}

graph::Key LinkedGlobFunction::key(const Workspace& workspace,
                                   std::shared_ptr<const GlobQuery> query) const {
  return key_of(root_of(workspace, std::move(query)));
}

graph::Key LinkedGlobFunction::key_of(GlobInput input) const {
  const Hash128 hash = hash_of(kName, input);
  return {hash, this, graph::make_value(std::move(input))};
}

Task<Result<graph::Computed>> LinkedGlobFunction::compute(graph::Context& context,
                                                          const graph::Value& value) const {
  const auto& input = graph::value_as<GlobInput>(value);
  KILN_CO_ASSIGN(const graph::ValueRef walked, co_await context.get(glob_.key(input)));
  GlobResult result = graph::value_as<GlobResult>(walked);
  if (result.links.empty()) co_return graph::Computed{walked};

  KILN_CO_ASSIGN(
      const graph::ValueRef known,
      co_await context.get(link_loops_key(*loops_, root_of(*input.workspace, input.query))));
  const auto& loops = graph::value_as<LinkLoops>(known);
  std::vector<GlobResult::Link> followed;
  std::vector<graph::Key> keys;
  for (GlobResult::Link& link : result.links) {
    if (loops.loops({input.real, input.state}, {input.real.join(link.path), link.state})) {
      result.notes.push_back({link.path, "the link leads back to where it is"});
      continue;
    }
    keys.push_back(key_of({input.workspace, input.query, link.target, link.state}));
    followed.push_back(std::move(link));
  }
  result.links.clear();

  KILN_CO_ASSIGN(const auto values, co_await context.get_all(std::move(keys)));
  std::vector<Graft> grafts;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& below = graph::value_as<GlobResult>(values[i]);
    result.add_findings(followed[i].path, below);
    result.add_matched(followed[i].matched);
    if (++result.entries > kMostSelected) co_return too_many(input, followed[i].path);
    if (below.tree->entries().empty() && followed[i].matched.empty()) continue;
    grafts.push_back({followed[i].path, below.tree});
  }
  std::sort(grafts.begin(), grafts.end(),
            [](const Graft& a, const Graft& b) { return a.path < b.path; });
  result.tree = grafted(result.tree, grafts, 0);
  if (result.tree->depth() > store::kMaxTreeDepth) co_return too_deep(input);
  result.settle();
  co_return graph::Computed{graph::make_value(std::move(result))};
}

}  // namespace kiln::intrinsics
