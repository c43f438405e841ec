#include "daemon/os/glob.h"

#include <algorithm>
#include <unordered_map>

#include "daemon/os/ignore.h"
#include "daemon/os/wildmatch.h"

namespace kiln::os {

namespace {

Error refused(std::string_view glob, std::string_view why) {
  return user_error(ErrorCode::kInvalidArgument,
                    "glob '" + printable(glob) + "' " + std::string(why));
}

struct Component {
  bool any_depth = false;  // "**"
  Wildmatch pattern;       // else
};

// The components of an including glob; never empty.
Result<std::vector<Component>> parse_components(std::string_view glob) {
  if (!is_valid_utf8(glob)) return refused(glob, "is not valid UTF-8");
  if (glob.find('\0') != std::string_view::npos) return refused(glob, "contains a NUL byte");
  if (glob.starts_with('/')) return refused(glob, "is absolute; globs are relative to the root");
  std::vector<Component> components;
  std::string_view rest = glob;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view text = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (text.empty() || text == ".") continue;
    if (text == "..") {
      if (components.empty()) return refused(glob, "leaves the root it is relative to");
      if (!components.back().pattern.literal()) return refused(glob, "has '..' after a wildcard");
      components.pop_back();
    } else if (text == "**") {
      if (components.empty() || !components.back().any_depth) components.push_back({true, {}});
    } else {
      auto pattern = Wildmatch::compile(text, Wildmatch::Syntax::kUtf8Name);
      if (!pattern.usable()) {
        return refused(glob, "is malformed at '" + printable(text) +
                                 "': an unclosed '[', an unknown [:class:], or a '\\' at the end");
      }
      components.push_back({false, std::move(pattern)});
    }
  }
  if (components.empty()) return refused(glob, "is empty");
  return components;
}

// An exclude as a line of a gitignore file.
Result<std::string> parse_exclude(std::string_view pattern) {
  const std::string glob = "!" + std::string(pattern);
  if (pattern.find_first_not_of("/ ") == std::string_view::npos) return refused(glob, "is empty");
  if (!is_valid_utf8(pattern)) return refused(glob, "is not valid UTF-8");
  if (pattern.find_first_of(std::string_view("\0\n", 2)) != std::string_view::npos) {
    return refused(glob, "contains a NUL byte or a newline");
  }
  if (pattern.starts_with('!')) return refused(glob, "starts with two '!'");
  for (const std::string_view form : {"../", "/../"}) {
    if (pattern.starts_with(form)) return refused(glob, "leaves the root it is relative to");
  }
  if (!Wildmatch::compile(pattern, Wildmatch::Syntax::kPath).usable()) {
    return refused(glob,
                   "is malformed: an unclosed '[', an unknown [:class:], or a '\\' at the end");
  }
  return (pattern.starts_with('#') ? "\\" : "") + std::string(pattern) + "\n";
}

void sort_unique(auto& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

// An automaton whose positions are "about to match component i of glob g". Positions of literal
// components come first, ordered by name, so that those a name can match are one range of numbers,
// and a set of ten thousand literal paths costs no more per name than one.
struct GlobSet::Impl {
  struct Position {
    uint32_t glob = 0;
    uint32_t index = 0;  // of the component in its glob
    bool last = false;   // a match here is a match of the glob
    bool any_depth = false;
    // A match leads to a "**", which contains all that earlier positions of the glob stand for.
    bool enters_any_depth = false;
    Wildmatch pattern;
    // The positions that are held as soon as this one is: itself, and what follows a "**".
    std::vector<uint32_t> entry;
    std::vector<uint32_t> next;  // the entry of the position after it
  };
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  void number(std::vector<std::vector<Component>> globs);
  void drop_contained(std::vector<uint32_t>& state) const;

  std::vector<std::string> includes;
  std::vector<std::string> excludes;
  std::shared_ptr<const IgnoreRules> exclude_rules;
  std::vector<Position> positions;
  uint32_t literal_count = 0;  // positions below it are literal
  // Which positions a name can match; the keys are the patterns in `positions`.
  std::unordered_map<std::string_view, Range> literals;
  GlobState root;
};

void GlobSet::Impl::number(std::vector<std::vector<Component>> globs) {
  for (uint32_t g = 0; g < globs.size(); ++g) {
    for (uint32_t i = 0; i < globs[g].size(); ++i) {
      Component& component = globs[g][i];
      positions.push_back({.glob = g,
                           .index = i,
                           .last = i + 1 == globs[g].size(),
                           .any_depth = component.any_depth,
                           .enters_any_depth = i + 1 < globs[g].size() && globs[g][i + 1].any_depth,
                           .pattern = std::move(component.pattern),
                           .entry = {},
                           .next = {}});
    }
  }
  std::stable_sort(positions.begin(), positions.end(), [](const Position& a, const Position& b) {
    const auto left = a.pattern.literal();
    const auto right = b.pattern.literal();
    if (left && right) return *left < *right;
    return left.has_value() && !right.has_value();
  });

  std::vector<std::vector<uint32_t>> number_of(globs.size());
  for (uint32_t g = 0; g < globs.size(); ++g) number_of[g].resize(globs[g].size());
  for (uint32_t p = 0; p < positions.size(); ++p) {
    number_of[positions[p].glob][positions[p].index] = p;
    if (const auto name = positions[p].pattern.literal()) {
      auto [range, inserted] = literals.try_emplace(*name, Range{p, p});
      range->second.end = p + 1;
      literal_count = p + 1;
    }
  }
  for (Position& position : positions) {
    const auto& numbers = number_of[position.glob];
    position.entry = {numbers[position.index]};
    if (position.any_depth && !position.last) position.entry.push_back(numbers[position.index + 1]);
    sort_unique(position.entry);
  }
  for (Position& position : positions) {
    if (position.last) continue;
    position.next = positions[number_of[position.glob][position.index + 1]].entry;
  }
  for (uint32_t g = 0; g < globs.size(); ++g) {
    const auto& entry = positions[number_of[g][0]].entry;
    root.positions.insert(root.positions.end(), entry.begin(), entry.end());
  }
  sort_unique(root.positions);
}

// Positions before a "**" of the same glob: what they match, it matches too.
void GlobSet::Impl::drop_contained(std::vector<uint32_t>& state) const {
  std::unordered_map<uint32_t, uint32_t> first_index;  // glob → its last "**" in the state
  for (const uint32_t p : state) {                     // a glob's positions of one kind ascend
    if (positions[p].any_depth) first_index[positions[p].glob] = positions[p].index;
  }
  std::erase_if(state, [&](uint32_t p) {
    const auto it = first_index.find(positions[p].glob);
    return it != first_index.end() && positions[p].index < it->second;
  });
}

GlobSet::GlobSet() = default;
GlobSet::~GlobSet() = default;

Result<std::shared_ptr<const GlobSet>> GlobSet::compile(std::span<const std::string> globs) {
  auto impl = std::make_unique<Impl>();
  for (const std::string& glob : globs) {
    if (glob.starts_with('!')) {
      impl->excludes.push_back(glob.substr(1));
    } else {
      impl->includes.push_back(glob);
    }
  }
  sort_unique(impl->includes);
  sort_unique(impl->excludes);

  std::vector<std::vector<Component>> components;
  for (const std::string& glob : impl->includes) {
    KILN_ASSIGN(components.emplace_back(), parse_components(glob));
  }
  std::string exclude_lines;
  for (const std::string& pattern : impl->excludes) {
    KILN_ASSIGN(const std::string line, parse_exclude(pattern));
    exclude_lines += line;
  }
  impl->exclude_rules = IgnoreRules::parse(exclude_lines, "excludes");
  impl->number(std::move(components));

  std::shared_ptr<GlobSet> set(new GlobSet());
  set->impl_ = std::move(impl);
  return std::shared_ptr<const GlobSet>(std::move(set));
}

GlobState GlobSet::root() const { return impl_->root; }

GlobSet::Step GlobSet::step(const GlobState& state, std::string_view name) const {
  Step step;
  std::vector<uint32_t>& below = step.below.positions;
  bool entered_any_depth = false;
  const auto match = [&](const Impl::Position& at) {
    if (at.last) step.matched.push_back(at.glob);
    const auto& held = at.any_depth ? at.entry : at.next;
    below.insert(below.end(), held.begin(), held.end());
    entered_any_depth |= at.enters_any_depth;
  };

  const auto begin = state.positions.begin();
  const auto end = state.positions.end();
  const auto wildcards = std::lower_bound(begin, end, impl_->literal_count);
  if (wildcards != begin) {
    if (const auto found = impl_->literals.find(name); found != impl_->literals.end()) {
      auto it = std::lower_bound(begin, wildcards, found->second.begin);
      for (; it != wildcards && *it < found->second.end; ++it) match(impl_->positions[*it]);
    }
  }
  for (auto it = wildcards; it != end; ++it) {
    const Impl::Position& position = impl_->positions[*it];
    if (position.any_depth || position.pattern.matches(name)) match(position);
  }
  if (step.matched.size() > 1) sort_unique(step.matched);
  if (below.size() > 1) sort_unique(below);
  if (entered_any_depth) impl_->drop_contained(below);
  return step;
}

std::optional<std::vector<std::string>> GlobSet::literal_names(const GlobState& state) const {
  std::vector<std::string> names;
  for (const uint32_t p : state.positions) {
    const auto name = impl_->positions[p].pattern.literal();
    if (!name) return std::nullopt;
    if (names.empty() || names.back() != *name) names.emplace_back(*name);
  }
  return names;
}

bool GlobSet::excluded(const RelPath& path, bool is_directory) const {
  return !path.is_root() && impl_->exclude_rules->match(path.str(), is_directory).has_value();
}

const std::vector<std::string>& GlobSet::includes() const { return impl_->includes; }
const std::vector<std::string>& GlobSet::excludes() const { return impl_->excludes; }

}  // namespace kiln::os
