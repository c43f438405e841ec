#include "daemon/os/ignore.h"

#include <utility>

#include "daemon/os/wildmatch.h"

namespace kiln::os {

namespace {

// One pattern, read as dir.c of git reads it (parse_path_pattern).
struct Pattern {
  Pattern(std::string_view line_text, int line_number);

  bool matches(std::string_view path, std::string_view name, bool is_directory) const {
    if (directories_only && !is_directory) return false;
    if (name_only) return wildcards.matches(name);
    if (!path.starts_with(prefix)) return false;
    return wildcards.matches(path.substr(prefix.size()));
  }

  std::string text;  // the whole line, as messages show it
  int line;
  bool negated = false;
  bool directories_only = false;
  bool name_only = false;  // no slash within: matches at any depth
  // git compares what stands before the first wildcard, and matches the rest as a pattern of its
  // own. It shows in "a**/b", whose "**/" then stands at a start: it matches "ab".
  std::string prefix;
  Wildmatch wildcards;

  friend bool operator==(const Pattern& a, const Pattern& b) {
    return a.text == b.text && a.line == b.line;
  }
};

Pattern::Pattern(std::string_view line_text, int line_number) : text(line_text), line(line_number) {
  std::string_view rest = text;
  if (rest.starts_with('!')) {
    negated = true;
    rest.remove_prefix(1);
  }
  if (rest.ends_with('/')) {
    directories_only = true;
    rest.remove_suffix(1);
  }
  name_only = rest.find('/') == std::string_view::npos;
  if (name_only) {
    wildcards = Wildmatch::compile(rest, Wildmatch::Syntax::kName);
    return;
  }
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const size_t literal = std::min(rest.find_first_of("*?[\\"), rest.size());
  prefix = rest.substr(0, literal);
  wildcards = Wildmatch::compile(rest.substr(literal), Wildmatch::Syntax::kPath);
}

}  // namespace

// git's trim_trailing_spaces.
std::string_view without_trailing_spaces(std::string_view line) {
  size_t end = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      if (++i == line.size()) return line;
      end = i + 1;
    } else if (line[i] != ' ') {
      end = i + 1;
    }
  }
  return line.substr(0, end);
}

struct IgnoreRules::Impl {
  std::string source;
  std::vector<Pattern> patterns;
};

IgnoreRules::IgnoreRules() = default;
IgnoreRules::~IgnoreRules() = default;

std::shared_ptr<const IgnoreRules> IgnoreRules::parse(std::string_view text, std::string source) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(source);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (int line_number = 1; !text.empty(); ++line_number) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = line.substr(0, line.find('\0'));
    if (line.starts_with('#')) continue;
    line = without_trailing_spaces(line);
    if (!line.empty()) impl->patterns.emplace_back(line, line_number);
  }
  std::shared_ptr<IgnoreRules> rules(new IgnoreRules());
  rules->impl_ = std::move(impl);
  return rules;
}

std::optional<IgnoreRules::Match> IgnoreRules::match(std::string_view path,
                                                     bool is_directory) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto it = impl_->patterns.rbegin(); it != impl_->patterns.rend(); ++it) {
    if (it->matches(path, name, is_directory)) {
      return Match{!it->negated, it->line, it->text, impl_->source};
    }
  }
  return std::nullopt;
}

bool IgnoreRules::empty() const { return impl_->patterns.empty(); }

bool operator==(const IgnoreRules& a, const IgnoreRules& b) {
  return a.impl_->source == b.impl_->source && a.impl_->patterns == b.impl_->patterns;
}

struct IgnoreStack::Frame {
  RelPath base;
  // Where the workspace root is as seen from the rules' directory, with a slash behind; empty for
  // rules that stand in the workspace.
  std::string root;
  std::shared_ptr<const IgnoreRules> rules;
  std::shared_ptr<const Frame> below;
};

IgnoreStack IgnoreStack::with(Frame frame) const {
  if (frame.rules->empty()) return *this;
  IgnoreStack stack;
  stack.top_ = std::make_shared<const Frame>(std::move(frame));
  return stack;
}

IgnoreStack IgnoreStack::push(RelPath base, std::shared_ptr<const IgnoreRules> rules) const {
  return with({std::move(base), "", std::move(rules), top_});
}

IgnoreStack IgnoreStack::push_above(RelPath root, std::shared_ptr<const IgnoreRules> rules) const {
  return with({RelPath(), root.is_root() ? "" : root.str() + "/", std::move(rules), top_});
}

std::optional<IgnoreRules::Match> IgnoreStack::match(const RelPath& path, bool is_directory) const {
  if (path.is_root()) return std::nullopt;
  for (const Frame* frame = top_.get(); frame != nullptr; frame = frame->below.get()) {
    if (path == frame->base || !path.is_within(frame->base)) continue;
    std::string_view seen = path.str();  // from the directory of the rules
    if (!frame->base.is_root()) seen.remove_prefix(frame->base.str().size() + 1);
    const auto match = frame->root.empty()
                           ? frame->rules->match(seen, is_directory)
                           : frame->rules->match(frame->root + std::string(seen), is_directory);
    if (match) return match;
  }
  return std::nullopt;
}

bool operator==(const IgnoreStack& a, const IgnoreStack& b) {
  const IgnoreStack::Frame* left = a.top_.get();
  const IgnoreStack::Frame* right = b.top_.get();
  for (; left != right; left = left->below.get(), right = right->below.get()) {
    if (left == nullptr || right == nullptr) return false;
    if (left->base != right->base || left->root != right->root) return false;
    if (left->rules != right->rules && !(*left->rules == *right->rules)) return false;
  }
  return true;
}

}  // namespace kiln::os
