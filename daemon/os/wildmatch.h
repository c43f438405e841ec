// Wildcard patterns as git matches them, compiled.
//
// Source:  git's wildmatch.c. Its result is a regular language; here it is matched without
//          recursion, in time O(pattern * text) per "**", so that no pattern can stall a build.
//          * and ? stop at '/'. [abc], [a-z], [!abc], [^abc], [[:alpha:]] never match '/'.
//          A backslash makes the next character literal.
// Threads: immutable.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::os {

class Wildmatch {
 public:
  enum class Syntax {
    kPath,      // between slashes (or at an end), "**" stands for any number of components
    kName,      // "**" is "*"
    kUtf8Name,  // as kName; ? and [...] match a character, not a byte
  };
  // Never fails. A malformed pattern (an unclosed '[', an unknown [:class:], a backslash at the
  // end) is not usable() and, as in git, matches nothing.
  static Wildmatch compile(std::string_view pattern, Syntax syntax);

  bool usable() const { return shape_ != Shape::kUnusable; }
  bool matches(std::string_view text) const;
  // The only text that matches, where there is no wildcard.
  std::optional<std::string_view> literal() const;

 private:
  friend class WildmatchCompiler;

  struct CharClass {
    bool contains(uint32_t c) const;
    bool negated = false;
    std::bitset<256> low;
    std::vector<std::pair<uint32_t, uint32_t>> high;  // inclusive ranges above 255
  };
  enum class TokenKind : uint8_t {
    kByte,            // value: the byte
    kAnyCharacter,    // one, not '/'
    kClass,           // value: index into classes_
    kStar,            // any number of characters, none of them '/'
    kComponents,      // "**/": nothing, or anything that ends in '/'
    kSomeComponents,  // "**\/": anything that ends in '/'
    kRest,            // "**" at the end
  };
  struct Token {
    TokenKind kind;
    uint32_t value = 0;
  };
  // Most patterns are one of the simple shapes, which need no tokens.
  enum class Shape : uint8_t { kUnusable, kLiteral, kStarLiteral, kLiteralStar, kTokens };

  bool matches_tokens(std::string_view text) const;
  // How many bytes of `text` a single-character token takes; 0 when it does not match.
  size_t take(const Token& token, std::string_view text) const;

  Shape shape_ = Shape::kUnusable;
  bool utf8_ = false;
  std::string literal_;  // of the simple shapes
  std::vector<Token> tokens_;
  std::vector<CharClass> classes_;
};

}  // namespace kiln::os
