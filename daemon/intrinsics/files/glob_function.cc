#include "daemon/intrinsics/files/glob_function.h"

#include <algorithm>
#include <iterator>

#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.glob/2";

std::vector<uint32_t> difference(const std::vector<uint32_t>& all,
                                 const std::vector<uint32_t>& without) {
  std::vector<uint32_t> rest;
  std::set_difference(all.begin(), all.end(), without.begin(), without.end(),
                      std::back_inserter(rest));
  return rest;
}

std::optional<std::string> matching_rule(const std::optional<os::IgnoreRules::Match>& match) {
  if (!match || !match->ignored) return std::nullopt;
  return rule_text(*match);
}

// The rule of the option `ignore` that hides a directory, or one that it is in.
std::optional<std::string> option_rule(const os::IgnoreRules& option, const RelPath& directory) {
  if (option.empty()) return std::nullopt;
  const std::string_view whole = directory.str();
  for (size_t end = 0; end < whole.size();) {
    end = std::min(whole.find('/', end + 1), whole.size());
    if (auto rule = matching_rule(option.match(whole.substr(0, end), true))) return rule;
  }
  return std::nullopt;
}

}  // namespace

// Where an entry stands: in the directory that is walked, or where a link leads.
struct GlobFunction::Place {
  const IgnoreRulesOf& rules;              // of its directory
  std::optional<std::string> option_rule;  // that hides its directory
};

// One directory being walked.
struct GlobFunction::Walk {
  struct Item {
    std::string name;
    bool directory = false;
    std::vector<uint32_t> matched;  // globs that match the entry itself
  };

  graph::Context& context;
  const GlobInput& input;
  const Place here;
  std::vector<Item> items = {};  // parallel to keys
  std::vector<graph::Key> keys = {};
  std::vector<store::Entry> entries = {};  // that are complete already
  GlobResult result = {};

  const os::GlobSet& globs() const { return *input.query->globs; }

  void add_file(const FsFunctions& fs, const std::string& name, const RelPath& real,
                std::vector<uint32_t> matched) {
    if (matched.empty()) return;
    if (input.query->names_only) {
      result.add_matched(matched);
      entries.push_back({name, store::File{}});
    } else {
      items.push_back({name, false, std::move(matched)});
      keys.push_back(fs.file(*input.workspace, real));
    }
  }

  // What a capture is refused for is left out, and noted, where names are asked for alone.
  Result<void> leave_out(const std::string& name, std::string why, std::string refusal) {
    if (!input.query->names_only) {
      return user_error(ErrorCode::kInvalidArgument, std::move(refusal));
    }
    result.notes.push_back({RelPath::from_normalized(name), std::move(why)});
    return {};
  }

  void note_hidden(const std::vector<uint32_t>& selecting, const std::string& name,
                   const std::string& why) {
    for (const uint32_t glob : selecting) {
      result.add_hidden({glob, RelPath::from_normalized(name), why});
    }
  }
};

size_t footprint(const GlobInput& input) {
  return heap_bytes(input.real) + heap_bytes(input.state.positions) +
         heap_bytes(input.state.excludes);
}

Hash128 hash_of(std::string_view function, const GlobInput& input) {
  KeyEncoder encoder(function);
  encoder.add(input.workspace->root()).add(input.query->hash).add(input.real.str());
  for (const auto* positions : {&input.state.positions, &input.state.excludes}) {
    encoder.add(uint64_t{positions->size()});
    for (const uint32_t position : *positions) encoder.add(uint64_t{position});
  }
  return encoder.hash();
}

std::string_view GlobFunction::name() const { return kName; }

std::string GlobFunction::describe(const graph::Value& value) const {
  const auto& input = graph::value_as<GlobInput>(value);
  return (input.query->names_only ? "match names in " : "capture files in ") +
         input.workspace->describe(input.real);
}

graph::Key GlobFunction::key(GlobInput input) const {
  const Hash128 hash = hash_of(kName, input);
  return {hash, this, graph::make_value(std::move(input))};
}

Task<Result<graph::Computed>> GlobFunction::compute(graph::Context& context,
                                                    const graph::Value& value) const {
  const auto& input = graph::value_as<GlobInput>(value);
  KILN_CO_ASSIGN(const graph::ValueRef listed,
                 co_await context.get(fs_.listing(*input.workspace, input.real)));
  KILN_CO_ASSIGN(const graph::ValueRef rules,
                 co_await context.get(ignore_.key(*input.workspace, input.real)));
  const auto& listing = graph::value_as<DirectoryListing>(listed);

  Walk walk{context,
            input,
            {graph::value_as<IgnoreRulesOf>(rules), option_rule(*input.query->ignore, input.real)}};
  if (const auto names = walk.globs().literal_names(input.state)) {
    for (const std::string& name : *names) {
      if (const os::DirEntry* entry = listing.find(name)) {
        KILN_CO_TRY(co_await consider(walk, *entry));
      }
    }
  } else {
    for (const os::DirEntry& entry : listing.entries) {
      KILN_CO_TRY(co_await consider(walk, entry));
    }
  }

  KILN_CO_ASSIGN(const auto values, co_await context.get_all(std::move(walk.keys)));
  GlobResult& result = walk.result;
  for (size_t i = 0; i < values.size(); ++i) {
    Walk::Item& item = walk.items[i];
    if (item.directory) {
      const auto& below = graph::value_as<GlobResult>(values[i]);
      const RelPath path = RelPath::from_normalized(item.name);
      result.add_findings(path, below);
      for (const auto& link : below.links) {
        result.links.push_back({path.join(link.path), link.target, link.state, link.matched});
      }
      if (below.tree->entries().empty() && item.matched.empty()) continue;
      walk.entries.push_back({std::move(item.name), below.tree});
    } else {
      const auto& file = graph::value_as<FileState>(values[i]).file;
      if (!file) continue;  // vanished since the listing: the barrier will tell
      walk.entries.push_back({std::move(item.name), *file});
    }
    result.add_matched(item.matched);
  }
  result.settle();
  result.entries += walk.entries.size();
  result.tree = store::Tree::make(std::move(walk.entries));
  co_return graph::Computed{graph::make_value(std::move(result))};
}

Task<Result<void>> GlobFunction::consider(Walk& walk, const os::DirEntry& entry) const {
  const GlobInput& input = walk.input;
  const bool directory = entry.kind == os::FileKind::kDirectory;
  const bool link = entry.kind == os::FileKind::kSymlink;
  os::GlobSet::Step step = walk.globs().step(input.state, entry.name);
  const bool enters = !step.below.dead() && (directory || link);
  if ((step.matched.empty() && !enters) || entry.kind == os::FileKind::kOther) {
    co_return Result<void>();
  }
  if (step.excluded(directory)) {
    walk.note_hidden(walk.globs().selecting(step), entry.name, "is excluded by a '!' glob");
    co_return Result<void>();
  }
  const RelPath real = input.real.child(entry.name);
  KILN_CO_TRY(co_await hide(walk, walk.here, real, directory, entry.name, step));
  if (step.selects_nothing()) co_return Result<void>();
  if (!is_valid_utf8(entry.name)) {
    co_return walk.leave_out(entry.name, "the name is not valid UTF-8",
                             "the name of " + input.workspace->describe(real) +
                                 " is not valid UTF-8, so it cannot stand in a digest; rename it, "
                                 "or exclude it with a '!' glob or .gitignore");
  }
  if (link) co_return co_await follow(walk, entry.name, std::move(step));
  if (!directory) {
    walk.add_file(fs_, entry.name, real, std::move(step.matched));
    co_return Result<void>();
  }
  walk.items.push_back({entry.name, true, std::move(step.matched)});
  walk.keys.push_back(key({input.workspace, input.query, real, std::move(step.below)}));
  co_return Result<void>();
}

Task<Result<void>> GlobFunction::hide(Walk& walk, const Place& place, const RelPath& real,
                                      bool directory, const std::string& name,
                                      os::GlobSet::Step& step) const {
  const os::GlobSet& globs = walk.globs();
  const auto& [rules, option_rule] = place;
  if (rules.bars(real.name())) {
    walk.note_hidden(globs.selecting(globs.named(step)), name,
                     "is git's own or kiln's own, which is never an input");
    step = {};
    co_return Result<void>();
  }
  const GlobQuery& query = *walk.input.query;
  if (query.rules == IgnoreRulesFor::kNone) co_return Result<void>();
  std::optional<std::string> rule =
      option_rule ? option_rule : matching_rule(query.ignore->match(real.str(), directory));
  if (!rule) {
    rule = rules.ignored ? std::optional(rules.ignored->rule)
                         : matching_rule(rules.stack.match(real, directory));
    if (!rule) co_return Result<void>();
    // git's rules are about untracked files.
    KILN_CO_ASSIGN(const bool tracked, co_await ignore_.tracks(walk.context, rules, real.name()));
    if (tracked) co_return Result<void>();
  }
  os::GlobSet::Step named;
  if (query.rules == IgnoreRulesFor::kWildcards) named = globs.named(step);
  walk.note_hidden(difference(globs.selecting(step), globs.selecting(named)), name,
                   "is hidden by " + *rule);
  step = std::move(named);
  co_return Result<void>();
}

Task<Result<void>> GlobFunction::follow(Walk& walk, const std::string& name,
                                        os::GlobSet::Step step) const {
  const GlobInput& input = walk.input;
  const RelPath real = input.real.child(name);
  KILN_CO_ASSIGN(const ResolvedPath link,
                 co_await resolve_path(walk.context, fs_, *input.workspace, input.real, name));
  switch (link.kind) {
    case ResolvedPath::Kind::kDead:
    case ResolvedPath::Kind::kOther:
      co_return Result<void>();
    case ResolvedPath::Kind::kOutside:
      walk.result.notes.push_back(
          {RelPath::from_normalized(name), "the link leads out of the workspace"});
      co_return Result<void>();
    case ResolvedPath::Kind::kLoop:
      co_return walk.leave_out(name, "the link leads to itself",
                               "the link " + input.workspace->describe(real) + " leads to itself");
    case ResolvedPath::Kind::kFile:
    case ResolvedPath::Kind::kDirectory:
      break;
  }
  const bool directory = link.kind == ResolvedPath::Kind::kDirectory;
  // What a rule hides stays hidden when a link leads to it.
  if (!link.target.is_root()) {
    KILN_CO_ASSIGN(const graph::ValueRef rules,
                   co_await walk.context.get(ignore_.key(*input.workspace, link.target.parent())));
    const Place place{graph::value_as<IgnoreRulesOf>(rules),
                      option_rule(*input.query->ignore, link.target.parent())};
    KILN_CO_TRY(co_await hide(walk, place, link.target, directory, name, step));
  }
  if (!directory) {
    walk.add_file(fs_, name, link.target, std::move(step.matched));
  } else if (!step.selects_nothing()) {
    walk.result.links.push_back({RelPath::from_normalized(name), link.target, std::move(step.below),
                                 std::move(step.matched)});
  }
  co_return Result<void>();
}

}  // namespace kiln::intrinsics
