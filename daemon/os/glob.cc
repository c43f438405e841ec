#include "daemon/os/glob.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

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

constexpr std::string_view kMalformed =
    "an unclosed '[', an unknown [:class:], or a '\\' at the end";

// Appends what one component of a pattern stands for; several "**" in a row are one.
Result<void> add_component(std::string_view text, Wildmatch::Syntax syntax, std::string_view glob,
                           std::vector<Component>& components) {
  if (text == "..") {
    return refused(glob, "has '..' in it; write the path that it leads to, without '..'");
  }
  if (text == "**") {
    if (components.empty() || !components.back().any_depth) components.push_back({true, {}});
    return {};
  }
  auto pattern = Wildmatch::compile(text, syntax);
  if (!pattern.usable()) {
    return refused(glob, "is malformed at '" + printable(text) + "': " + std::string(kMalformed));
  }
  components.push_back({false, std::move(pattern)});
  return {};
}

// Calls `add(component)` for what stands between the slashes of `rest`.
template <class Add>
Result<void> for_each_component(std::string_view rest, Add add) {
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view text = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (text.empty() || text == ".") continue;
    KILN_TRY(add(text));
  }
  return {};
}

// The components of an including glob; never empty.
Result<std::vector<Component>> parse_include(std::string_view glob) {
  if (!is_valid_utf8(glob)) return refused(glob, "is not valid UTF-8");
  if (glob.find('\0') != std::string_view::npos) return refused(glob, "contains a NUL byte");
  if (glob.starts_with('/')) return refused(glob, "is absolute; globs are relative to the root");
  std::string_view rest = glob;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  if (rest == ".." || rest.starts_with("../")) {
    return refused(glob, "leaves the root it is relative to");
  }
  std::vector<Component> components;
  KILN_TRY(for_each_component(glob, [&](std::string_view text) {
    return add_component(text, Wildmatch::Syntax::kUtf8Name, glob, components);
  }));
  if (components.empty()) return refused(glob, "is empty");
  return components;
}

struct Exclude {
  std::vector<Component> components;
  bool directories_only = false;
};

// An exclude, read as a line of a gitignore file.
Result<Exclude> parse_exclude(std::string_view pattern) {
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
  std::string_view rest = without_trailing_spaces(pattern);
  Exclude exclude;
  if (rest.ends_with('/')) {
    exclude.directories_only = true;
    rest.remove_suffix(1);
  }
  // A name without a slash counts at any depth.
  if (rest.find('/') == std::string_view::npos) exclude.components.push_back({true, {}});
  KILN_TRY(for_each_component(rest, [&](std::string_view text) {
    return add_component(text, Wildmatch::Syntax::kName, glob, exclude.components);
  }));
  if (exclude.components.empty()) return refused(glob, "is empty");
  return exclude;
}

void sort_unique(auto& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// An automaton whose positions are "about to match component i of glob g". Positions of literal
// components come first, ordered by name, so that those a name can match are one range of numbers,
// and a set of ten thousand literal paths costs no more per name than one.
class Automaton {
 public:
  void number(std::vector<std::vector<Component>> globs);
  const std::vector<uint32_t>& root() const { return root_; }
  uint32_t glob_of(uint32_t position) const { return positions_[position].glob; }
  // One component further: the globs that match it, and the positions below it.
  void step(const std::vector<uint32_t>& state, std::string_view name,
            std::vector<uint32_t>& matched, std::vector<uint32_t>& below) const;
  // The names that can match in `state`, if they are all literal.
  std::optional<std::vector<std::string>> literal_names(const std::vector<uint32_t>& state) const;

 private:
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

  void drop_contained(std::vector<uint32_t>& state) const;

  std::vector<Position> positions_;
  uint32_t literal_count_ = 0;  // positions below it are literal
  // Which positions a name can match; the keys are the patterns in `positions_`.
  std::unordered_map<std::string_view, Range> literals_;
  std::vector<uint32_t> root_;
};

void Automaton::number(std::vector<std::vector<Component>> globs) {
  for (uint32_t g = 0; g < globs.size(); ++g) {
    for (uint32_t i = 0; i < globs[g].size(); ++i) {
      Component& component = globs[g][i];
      positions_.push_back(
          {.glob = g,
           .index = i,
           .last = i + 1 == globs[g].size(),
           .any_depth = component.any_depth,
           .enters_any_depth = i + 1 < globs[g].size() && globs[g][i + 1].any_depth,
           .pattern = std::move(component.pattern),
           .entry = {},
           .next = {}});
    }
  }
  std::stable_sort(positions_.begin(), positions_.end(), [](const Position& a, const Position& b) {
    const auto left = a.pattern.literal();
    const auto right = b.pattern.literal();
    if (left && right) return *left < *right;
    return left.has_value() && !right.has_value();
  });

  std::vector<std::vector<uint32_t>> number_of(globs.size());
  for (uint32_t g = 0; g < globs.size(); ++g) number_of[g].resize(globs[g].size());
  for (uint32_t p = 0; p < positions_.size(); ++p) {
    number_of[positions_[p].glob][positions_[p].index] = p;
    if (const auto name = positions_[p].pattern.literal()) {
      auto [range, inserted] = literals_.try_emplace(*name, Range{p, p});
      range->second.end = p + 1;
      literal_count_ = p + 1;
    }
  }
  for (Position& position : positions_) {
    const auto& numbers = number_of[position.glob];
    position.entry = {numbers[position.index]};
    if (position.any_depth && !position.last) position.entry.push_back(numbers[position.index + 1]);
    sort_unique(position.entry);
  }
  for (Position& position : positions_) {
    if (position.last) continue;
    position.next = positions_[number_of[position.glob][position.index + 1]].entry;
  }
  for (uint32_t g = 0; g < globs.size(); ++g) {
    const auto& entry = positions_[number_of[g][0]].entry;
    root_.insert(root_.end(), entry.begin(), entry.end());
  }
  sort_unique(root_);
}

// Positions before a "**" of the same glob: what they match, it matches too.
void Automaton::drop_contained(std::vector<uint32_t>& state) const {
  std::unordered_map<uint32_t, uint32_t> first_index;  // glob → its last "**" in the state
  for (const uint32_t p : state) {                     // a glob's positions of one kind ascend
    if (positions_[p].any_depth) first_index[positions_[p].glob] = positions_[p].index;
  }
  std::erase_if(state, [&](uint32_t p) {
    const auto it = first_index.find(positions_[p].glob);
    return it != first_index.end() && positions_[p].index < it->second;
  });
}

void Automaton::step(const std::vector<uint32_t>& state, std::string_view name,
                     std::vector<uint32_t>& matched, std::vector<uint32_t>& below) const {
  bool entered_any_depth = false;
  const auto match = [&](const Position& at) {
    if (at.last) matched.push_back(at.glob);
    const auto& held = at.any_depth ? at.entry : at.next;
    below.insert(below.end(), held.begin(), held.end());
    entered_any_depth |= at.enters_any_depth;
  };

  const auto begin = state.begin();
  const auto end = state.end();
  const auto wildcards = std::lower_bound(begin, end, literal_count_);
  if (wildcards != begin) {
    if (const auto found = literals_.find(name); found != literals_.end()) {
      auto it = std::lower_bound(begin, wildcards, found->second.begin);
      for (; it != wildcards && *it < found->second.end; ++it) match(positions_[*it]);
    }
  }
  for (auto it = wildcards; it != end; ++it) {
    const Position& position = positions_[*it];
    if (position.any_depth || position.pattern.matches(name)) match(position);
  }
  if (matched.size() > 1) sort_unique(matched);
  if (below.size() > 1) sort_unique(below);
  if (entered_any_depth) drop_contained(below);
}

std::optional<std::vector<std::string>> Automaton::literal_names(
    const std::vector<uint32_t>& state) const {
  std::vector<std::string> names;
  for (const uint32_t p : state) {
    const auto name = positions_[p].pattern.literal();
    if (!name) return std::nullopt;
    if (names.empty() || names.back() != *name) names.emplace_back(*name);
  }
  return names;
}

bool is_literal(const std::vector<Component>& components) {
  return std::all_of(components.begin(), components.end(),
                     [](const Component& part) { return part.pattern.literal().has_value(); });
}

}  // namespace

std::string literal_glob(std::string_view path) {
  std::string glob;
  for (const char c : path) {
    if (std::string_view("*?[\\!").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

bool has_parent(std::string_view path) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

struct GlobSet::Impl {
  std::vector<std::string> includes;
  std::vector<std::string> excludes;
  Automaton including;
  Automaton excluding;
  std::vector<bool> names_a_path;      // by include: it has no wildcard
  std::vector<bool> directories_only;  // by exclude
};

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

  std::vector<std::vector<Component>> includes;
  for (const std::string& glob : impl->includes) {
    KILN_ASSIGN(includes.emplace_back(), parse_include(glob));
    impl->names_a_path.push_back(is_literal(includes.back()));
  }
  std::vector<std::vector<Component>> excludes;
  for (const std::string& pattern : impl->excludes) {
    KILN_ASSIGN(Exclude exclude, parse_exclude(pattern));
    excludes.push_back(std::move(exclude.components));
    impl->directories_only.push_back(exclude.directories_only);
  }
  impl->including.number(std::move(includes));
  impl->excluding.number(std::move(excludes));

  std::shared_ptr<GlobSet> set(new GlobSet());
  set->impl_ = std::move(impl);
  return std::shared_ptr<const GlobSet>(std::move(set));
}

GlobState GlobSet::root() const { return {impl_->including.root(), impl_->excluding.root()}; }

GlobSet::Step GlobSet::step(const GlobState& state, std::string_view name) const {
  Step step;
  impl_->including.step(state.positions, name, step.matched, step.below.positions);
  if (state.excludes.empty() || step.selects_nothing()) return step;
  std::vector<uint32_t> excludes;
  impl_->excluding.step(state.excludes, name, excludes, step.below.excludes);
  for (const uint32_t exclude : excludes) {
    step.excluded_directory = true;
    step.excluded_other |= !impl_->directories_only[exclude];
  }
  return step;
}

GlobSet::Step GlobSet::named(Step step) const {
  std::erase_if(step.matched, [this](uint32_t glob) { return !impl_->names_a_path[glob]; });
  std::erase_if(step.below.positions, [this](uint32_t position) {
    return !impl_->names_a_path[impl_->including.glob_of(position)];
  });
  return step;
}

std::vector<uint32_t> GlobSet::selecting(const Step& step) const {
  std::vector<uint32_t> globs = step.matched;
  for (const uint32_t position : step.below.positions) {
    globs.push_back(impl_->including.glob_of(position));
  }
  sort_unique(globs);
  return globs;
}

GlobSet::Step GlobSet::step_to(const RelPath& path) const {
  Step step{.matched = {}, .below = root()};
  for (std::string_view rest = path.str(); !rest.empty();) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    step = this->step(step.below, rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return step;
}

std::optional<std::vector<std::string>> GlobSet::literal_names(const GlobState& state) const {
  return impl_->including.literal_names(state.positions);
}

const std::vector<std::string>& GlobSet::includes() const { return impl_->includes; }
const std::vector<std::string>& GlobSet::excludes() const { return impl_->excludes; }

}  // namespace kiln::os
