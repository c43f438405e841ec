#include "daemon/intrinsics/files/glob_function.h"

#include <algorithm>

#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.glob/1";

void add_matched(std::vector<uint32_t>& all, const std::vector<uint32_t>& more) {
  std::vector<uint32_t> merged;
  std::set_union(all.begin(), all.end(), more.begin(), more.end(), std::back_inserter(merged));
  all = std::move(merged);
}

bool hidden(const GlobInput& input, const os::IgnoreStack& git, const RelPath& path,
            const RelPath& real, bool directory) {
  const auto option = input.query->ignore->match(real.str(), directory);
  const auto ignored = git.match(real, directory);
  return (option && option->ignored) || (ignored && ignored->ignored) ||
         input.query->globs->excluded(path, directory);
}

}  // namespace

std::vector<std::string> unmatched_globs(const GlobQuery& query, const GlobResult& result) {
  std::vector<std::string> unmatched;
  const auto& includes = query.globs->includes();
  for (uint32_t i = 0; i < includes.size(); ++i) {
    if (!std::binary_search(result.matched.begin(), result.matched.end(), i)) {
      unmatched.push_back(includes[i]);
    }
  }
  return unmatched;
}

// What a directory's entries wait for.
struct GlobFunction::Pending {
  struct Item {
    std::string name;
    bool directory = false;
    std::vector<uint32_t> matched;  // globs that match the entry itself
  };
  std::vector<Item> items;  // parallel to keys
  std::vector<graph::Key> keys;
  // Entries that are complete already.
  std::vector<store::Entry> entries;
  GlobResult result;

  void note_left_out(const RelPath& path, std::string_view why) {
    result.notes.push_back("left out " + printable(path.str()) + ": " + std::string(why));
  }
};

size_t footprint(const GlobInput& input) {
  size_t bytes = heap_bytes(input.path) + heap_bytes(input.real) +
                 heap_bytes(input.state.positions) +
                 input.links.capacity() * sizeof(GlobInput::Visit);
  for (const GlobInput::Visit& visit : input.links) {
    bytes += heap_bytes(visit.real) + heap_bytes(visit.state.positions);
  }
  return bytes;
}

std::string_view GlobFunction::name() const { return kName; }

std::string GlobFunction::describe(const graph::Value& value) const {
  const auto& input = graph::value_as<GlobInput>(value);
  return (input.query->names_only ? "match names in " : "capture files in ") +
         input.workspace->describe(input.path);
}

graph::Key GlobFunction::key(const Workspace& workspace,
                             std::shared_ptr<const GlobQuery> query) const {
  GlobInput input;
  input.workspace = &workspace;
  input.state = query->globs->root();
  input.query = std::move(query);
  return key_of(std::move(input));
}

graph::Key GlobFunction::key_of(GlobInput input) const {
  KeyEncoder encoder(kName);
  encoder.add(input.workspace->root()).add(input.query->hash);
  encoder.add(input.path.str()).add(input.real.str());
  const auto add_state = [&](const os::GlobState& state) {
    encoder.add(uint64_t{state.positions.size()});
    for (const uint32_t position : state.positions) encoder.add(uint64_t{position});
  };
  add_state(input.state);
  for (const auto& visit : input.links) {
    encoder.add(visit.real.str());
    add_state(visit.state);
  }
  const Hash128 hash = encoder.hash();
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
  const os::IgnoreStack& git = graph::value_as<IgnoreRulesOf>(rules).stack;

  Pending pending;
  if (const auto names = input.query->globs->literal_names(input.state)) {
    for (const std::string& name : *names) {
      if (const os::DirEntry* entry = listing.find(name)) {
        KILN_CO_TRY(co_await consider(context, input, git, *entry, pending));
      }
    }
  } else {
    for (const os::DirEntry& entry : listing.entries) {
      KILN_CO_TRY(co_await consider(context, input, git, entry, pending));
    }
  }

  KILN_CO_ASSIGN(const auto values, co_await context.get_all(std::move(pending.keys)));
  GlobResult& result = pending.result;
  for (size_t i = 0; i < values.size(); ++i) {
    Pending::Item& item = pending.items[i];
    if (item.directory) {
      const auto& below = graph::value_as<GlobResult>(values[i]);
      result.notes.insert(result.notes.end(), below.notes.begin(), below.notes.end());
      add_matched(result.matched, below.matched);
      if (below.tree->entries().empty() && item.matched.empty()) continue;
      pending.entries.push_back({std::move(item.name), below.tree});
    } else {
      const auto& file = graph::value_as<FileState>(values[i]).file;
      if (!file) continue;  // vanished since the listing: the barrier will tell
      pending.entries.push_back({std::move(item.name), *file});
    }
    add_matched(result.matched, item.matched);
  }
  result.tree = store::Tree::make(std::move(pending.entries));
  co_return graph::Computed{graph::make_value(std::move(result))};
}

Task<Result<void>> GlobFunction::consider(graph::Context& context, const GlobInput& input,
                                          const os::IgnoreStack& git, const os::DirEntry& entry,
                                          Pending& pending) const {
  const bool directory = entry.kind == os::FileKind::kDirectory;
  const bool link = entry.kind == os::FileKind::kSymlink;
  os::GlobSet::Step step = input.query->globs->step(input.state, entry.name);
  const bool enters = !step.below.dead() && (directory || link);
  if ((step.matched.empty() && !enters) || entry.kind == os::FileKind::kOther) {
    co_return Result<void>();
  }
  const RelPath path = input.path.child(entry.name);
  const RelPath real = input.real.child(entry.name);
  if (hidden(input, git, path, real, directory)) co_return Result<void>();
  if (!is_valid_utf8(entry.name)) {
    co_return leave_out(input, path, "the name is not valid UTF-8", pending,
                        "the name of " + input.workspace->describe(real) +
                            " is not valid UTF-8, so it cannot stand in a digest; rename it, or "
                            "exclude it with a '!' glob or .gitignore");
  }
  if (link) co_return co_await follow(context, input, path, std::move(step), pending);
  if (directory) {
    add_directory({input.workspace, input.query, path, real, std::move(step.below), input.links},
                  std::move(step.matched), pending);
  } else {
    add_file(input, path, real, std::move(step.matched), pending);
  }
  co_return Result<void>();
}

void GlobFunction::add_file(const GlobInput& input, const RelPath& path, const RelPath& real,
                            std::vector<uint32_t> matched, Pending& pending) const {
  if (matched.empty()) return;
  std::string name(path.name());
  if (input.query->names_only) {
    add_matched(pending.result.matched, matched);
    pending.entries.push_back({std::move(name), store::File{}});
  } else {
    pending.items.push_back({std::move(name), false, std::move(matched)});
    pending.keys.push_back(fs_.file(*input.workspace, real));
  }
}

void GlobFunction::add_directory(GlobInput below, std::vector<uint32_t> matched,
                                 Pending& pending) const {
  pending.items.push_back({std::string(below.path.name()), true, std::move(matched)});
  pending.keys.push_back(key_of(std::move(below)));
}

Task<Result<void>> GlobFunction::follow(graph::Context& context, const GlobInput& input,
                                        const RelPath& path, os::GlobSet::Step step,
                                        Pending& pending) const {
  KILN_CO_ASSIGN(const ResolvedPath link,
                 co_await resolve_path(context, fs_, *input.workspace, input.real, path.name()));
  switch (link.kind) {
    case ResolvedPath::Kind::kDead:
    case ResolvedPath::Kind::kOther:
      break;
    case ResolvedPath::Kind::kOutside:
      pending.note_left_out(path, "the link leads out of the workspace");
      break;
    case ResolvedPath::Kind::kLoop:
      co_return leave_out(input, path, "the link leads to itself", pending,
                          "the link " + input.workspace->describe(path) + " leads to itself");
    case ResolvedPath::Kind::kFile:
      add_file(input, path, link.target, std::move(step.matched), pending);
      break;
    case ResolvedPath::Kind::kDirectory:
      co_return enter(input, path, link.target, std::move(step), pending);
  }
  co_return Result<void>();
}

Result<void> GlobFunction::enter(const GlobInput& input, const RelPath& path, const RelPath& target,
                                 os::GlobSet::Step step, Pending& pending) const {
  GlobInput below{input.workspace, input.query, path, target, std::move(step.below), input.links};
  GlobInput::Visit visit{target, below.state};
  if (std::find(input.links.begin(), input.links.end(), visit) != input.links.end()) {
    return leave_out(input, path, "the link leads back to where it is", pending,
                     "the link " + input.workspace->describe(path) + " leads to " +
                         (target.is_root() ? "the root" : printable(target.str())) +
                         ", which the glob already came through: following it would never end; "
                         "exclude the link with a '!' glob");
  }
  below.links.push_back(std::move(visit));
  add_directory(std::move(below), std::move(step.matched), pending);
  return {};
}

Result<void> GlobFunction::leave_out(const GlobInput& input, const RelPath& path,
                                     std::string_view why, Pending& pending, std::string refusal) {
  if (!input.query->names_only) {
    return user_error(ErrorCode::kInvalidArgument, std::move(refusal));
  }
  pending.note_left_out(path, why);
  return {};
}

}  // namespace kiln::intrinsics
