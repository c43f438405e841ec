#include "daemon/os/wildmatch.h"

#include <algorithm>
#include <array>

namespace kiln::os {

namespace {

struct Character {
  uint32_t value = 0;
  size_t length = 0;  // 0 at the end of the text
};

// The character at the start of `text`. Bytes that are not UTF-8 stand for themselves, moved out
// of the range of code points so that they equal no character.
Character first_character(std::string_view text, bool utf8) {
  constexpr uint32_t kStrayByte = 0x110000;
  if (text.empty()) return {};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t lead = byte(0);
  if (!utf8 || lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || length > text.size()) return {kStrayByte + lead, 1};
  uint32_t value = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {kStrayByte + lead, 1};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  return {value, length};
}

// The named classes of git's wildmatch.c: ASCII only, whatever the locale.
bool in_named_class(std::string_view name, unsigned char c, bool& known) {
  const bool digit = c >= '0' && c <= '9';
  const bool upper = c >= 'A' && c <= 'Z';
  const bool lower = c >= 'a' && c <= 'z';
  const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
  const bool print = c >= 0x20 && c <= 0x7E;
  const bool alnum = digit || upper || lower;
  const std::pair<std::string_view, bool> classes[] = {
      {"alnum", alnum},
      {"alpha", upper || lower},
      {"blank", c == ' ' || c == '\t'},
      {"cntrl", c < 0x20 || c == 0x7F},
      {"digit", digit},
      {"graph", print && !space},
      {"lower", lower},
      {"print", print},
      {"punct", print && !alnum && !space},
      {"space", space},
      {"upper", upper},
      {"xdigit", digit || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')}};
  const auto* found = std::find_if(std::begin(classes), std::end(classes),
                                   [&](const auto& entry) { return entry.first == name; });
  known = found != std::end(classes);
  return known && found->second;
}

}  // namespace

bool Wildmatch::CharClass::contains(uint32_t c) const {
  const bool listed =
      c < low.size() ? low[c] : std::any_of(high.begin(), high.end(), [&](const auto& range) {
        return range.first <= c && c <= range.second;
      });
  return listed != negated;
}

class WildmatchCompiler {
 public:
  using TokenKind = Wildmatch::TokenKind;
  using Shape = Wildmatch::Shape;

  WildmatchCompiler(std::string_view pattern, Wildmatch::Syntax syntax)
      : pattern_(pattern), syntax_(syntax) {
    result_.utf8_ = syntax == Wildmatch::Syntax::kUtf8Name;
  }

  Wildmatch compile() && {
    while (at_ < pattern_.size()) {
      if (!compile_token()) return Wildmatch();
    }
    choose_shape();
    return std::move(result_);
  }

 private:
  bool compile_token() {
    const char c = pattern_[at_++];
    switch (c) {
      case '\\':
        if (at_ == pattern_.size()) return false;
        push(TokenKind::kByte, static_cast<unsigned char>(pattern_[at_++]));
        return true;
      case '?':
        push(TokenKind::kAnyCharacter);
        return true;
      case '*':
        compile_stars();
        return true;
      case '[':
        return compile_class();
      default:
        push(TokenKind::kByte, static_cast<unsigned char>(c));
        return true;
    }
  }

  void push(TokenKind kind, size_t value = 0) {
    result_.tokens_.push_back({kind, static_cast<uint32_t>(value)});
  }

  // After one star.
  void compile_stars() {
    const size_t first = at_ - 1;
    while (at_ < pattern_.size() && pattern_[at_] == '*') ++at_;
    const bool several = at_ - first > 1;
    const bool starts_component = first == 0 || pattern_[first - 1] == '/';
    const std::string_view after = pattern_.substr(at_);
    if (syntax_ == Wildmatch::Syntax::kPath && several && starts_component) {
      if (after.empty()) return push(TokenKind::kRest);
      for (const std::string_view slash : {"/", "\\/"}) {
        if (!after.starts_with(slash)) continue;
        at_ += slash.size();
        return push(slash == "/" ? TokenKind::kComponents : TokenKind::kSomeComponents);
      }
    }
    push(TokenKind::kStar);
  }

  // The next character of the pattern; 0 at its end.
  uint32_t next() {
    const Character c = first_character(pattern_.substr(at_), result_.utf8_);
    at_ += c.length;
    return c.value;
  }
  // What `c` stands for within a class.
  uint32_t unescaped(uint32_t c) { return c == '\\' ? next() : c; }
  char peek() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }

  void add(uint32_t first, uint32_t last) {
    auto& set = result_.classes_.back();
    const auto low = static_cast<uint32_t>(set.low.size());
    for (uint32_t c = first; c <= last && c < low; ++c) set.low.set(c);
    if (last >= low && first <= last) set.high.emplace_back(std::max(first, low), last);
  }

  // After the '['. A ']' that comes first is a member.
  bool compile_class() {
    push(TokenKind::kClass, result_.classes_.size());
    auto& set = result_.classes_.emplace_back();
    uint32_t c = next();
    set.negated = c == '!' || c == '^';
    if (set.negated) c = next();
    uint32_t previous = 0;  // what a '-' could start from; 0 for nothing
    do {
      if (c == 0) return false;
      if (c == '-' && previous != 0 && peek() != '\0' && peek() != ']') {
        const uint32_t last = unescaped(next());
        if (last == 0) return false;
        add(previous, last);
        previous = 0;
      } else if (c == '[' && peek() == ':' && ends_named_class()) {
        if (!add_named_class()) return false;
        previous = 0;
      } else {
        previous = unescaped(c);
        if (previous == 0) return false;
        add(previous, previous);
      }
      c = next();
    } while (c != ']');
    return true;
  }

  // At the ':' of "[:": whether the next ']' is that of ":]".
  bool ends_named_class() const {
    const size_t close = pattern_.find(']', at_ + 1);
    return close != std::string_view::npos && close > at_ + 1 && pattern_[close - 1] == ':';
  }

  bool add_named_class() {
    const size_t close = pattern_.find(']', at_ + 1);
    const std::string_view name = pattern_.substr(at_ + 1, close - at_ - 2);
    bool known = false;
    for (uint32_t c = 0; c < 128; ++c) {
      if (in_named_class(name, static_cast<unsigned char>(c), known)) add(c, c);
    }
    at_ = close + 1;
    return known;
  }

  void choose_shape() {
    auto& tokens = result_.tokens_;
    const auto is_byte = [](const auto& token) { return token.kind == TokenKind::kByte; };
    const auto wildcards = static_cast<size_t>(
        std::count_if(tokens.begin(), tokens.end(), [&](auto& token) { return !is_byte(token); }));
    const auto is_star = [](const auto& token) { return token.kind == TokenKind::kStar; };
    result_.shape_ = Shape::kTokens;
    if (wildcards == 0) {
      result_.shape_ = Shape::kLiteral;
    } else if (wildcards == 1 && syntax_ != Wildmatch::Syntax::kPath) {
      if (is_star(tokens.front())) result_.shape_ = Shape::kStarLiteral;
      if (is_star(tokens.back())) result_.shape_ = Shape::kLiteralStar;
    }
    if (result_.shape_ == Shape::kTokens) return;
    for (const auto& token : tokens) {
      if (is_byte(token)) result_.literal_ += static_cast<char>(token.value);
    }
    tokens.clear();
  }

  const std::string_view pattern_;
  const Wildmatch::Syntax syntax_;
  size_t at_ = 0;
  Wildmatch result_;
};

Wildmatch Wildmatch::compile(std::string_view pattern, Syntax syntax) {
  return WildmatchCompiler(pattern, syntax).compile();
}

std::optional<std::string_view> Wildmatch::literal() const {
  if (shape_ != Shape::kLiteral) return std::nullopt;
  return literal_;
}

bool Wildmatch::matches(std::string_view text) const {
  switch (shape_) {
    case Shape::kUnusable:
      return false;
    case Shape::kLiteral:
      return text == literal_;
    case Shape::kStarLiteral:
      return text.ends_with(literal_);
    case Shape::kLiteralStar:
      return text.starts_with(literal_);
    case Shape::kTokens:
      return matches_tokens(text);
  }
  return false;
}

size_t Wildmatch::take(const Token& token, std::string_view text) const {
  if (text.empty()) return 0;
  if (token.kind == TokenKind::kByte) {
    return static_cast<unsigned char>(text[0]) == token.value ? 1 : 0;
  }
  if (text[0] == '/') return 0;
  const Character c = first_character(text, utf8_);
  if (token.kind == TokenKind::kAnyCharacter) return c.length;
  return classes_[token.value].contains(c.value) ? c.length : 0;
}

// On a mismatch, the last star takes one character more; where it meets a '/', the last "**/"
// takes one component more. Earlier ones need not be tried again: the text between two "**/" is a
// fixed number of components, so its first match ends first and leaves the most to the rest.
bool Wildmatch::matches_tokens(std::string_view text) const {
  constexpr size_t kNone = std::string_view::npos;
  size_t t = 0;
  size_t p = 0;
  size_t star = kNone;  // the token after the last star, and where it was tried last
  size_t star_text = 0;
  size_t components = kNone;  // the same for the last "**/"
  size_t components_text = 0;
  for (;;) {
    if (p == tokens_.size()) {
      if (t == text.size()) return true;
    } else if (tokens_[p].kind == TokenKind::kRest) {
      return true;
    } else if (tokens_[p].kind == TokenKind::kStar) {
      star = ++p;
      star_text = t;
      continue;
    } else if (tokens_[p].kind == TokenKind::kComponents) {
      components = ++p;
      components_text = t;
      star = kNone;
      continue;
    } else if (tokens_[p].kind == TokenKind::kSomeComponents) {
      const size_t slash = text.find('/', t);
      if (slash == kNone) return false;
      components = ++p;
      components_text = t = slash + 1;
      star = kNone;
      continue;
    } else if (const size_t taken = take(tokens_[p], text.substr(t)); taken != 0) {
      if (text[t] == '/') star = kNone;  // a star cannot reach across
      t += taken;
      ++p;
      continue;
    }

    if (star != kNone && star_text < text.size() && text[star_text] != '/') {
      star_text += first_character(text.substr(star_text), utf8_).length;
      t = star_text;
      p = star;
    } else if (components != kNone) {
      const size_t slash = text.find('/', components_text);
      if (slash == kNone) return false;
      components_text = t = slash + 1;
      p = components;
      star = kNone;
    } else {
      return false;
    }
  }
}

}  // namespace kiln::os
