#include "daemon/os/git_config.h"

namespace kiln::os {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_name(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  std::vector<GitConfigEntry> parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_space(c)) {
        ++at_;
      } else if (c == '#' || c == ';') {
        skip_line();
      } else if (c == '[' ? !read_header() : !read_entry()) {
        break;
      }
    }
    return std::move(entries_);
  }

 private:
  // The next character, "\r\n" as one newline; a newline at the end of the text.
  char next() {
    if (at_ >= text_.size()) {
      ++at_;
      return '\n';
    }
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    return text_[at_++];
  }
  void skip_line() {
    while (next() != '\n') continue;
  }

  // [section], [section "subsection"], [section.subsection]
  bool read_header() {
    section_.clear();
    subsection_.clear();
    ++at_;
    char c = next();
    for (; is_name(c) || c == '.'; c = next()) section_ += lower(c);
    if (c == ']') {
      if (const size_t dot = section_.find('.'); dot != std::string::npos) {
        subsection_ = section_.substr(dot + 1);
        section_.resize(dot);
      }
      return true;
    }
    while (c == ' ' || c == '\t') c = next();
    if (c != '"') return false;
    for (c = next(); c != '"'; c = next()) {
      if (c == '\\') c = next();
      if (c == '\n') return false;
      subsection_ += c;
    }
    return next() == ']';
  }

  bool read_entry() {
    GitConfigEntry entry{section_, subsection_, {}, {}};
    char c = next();
    if (section_.empty() || !is_name(c)) return false;
    for (; is_name(c); c = next()) entry.name += lower(c);
    while (c == ' ' || c == '\t') c = next();
    if (c == '=') {
      entry.value.emplace();
      if (!read_value(*entry.value)) return false;
    } else if (c == '#' || c == ';') {
      skip_line();
    } else if (c != '\n') {
      return false;
    }
    entries_.push_back(std::move(entry));
    return true;
  }

  // Up to the end of the line: quotes keep spaces and comment marks, a backslash at the end of a
  // line continues it.
  bool read_value(std::string& value) {
    bool quoted = false;
    size_t kept = 0;  // trailing spaces are cut off down to here
    for (;;) {
      char c = next();
      if (c == '\n') {
        value.resize(kept);
        return !quoted;
      }
      if (!quoted && (c == '#' || c == ';')) {
        skip_line();
        value.resize(kept);
        return true;
      }
      if (!quoted && is_space(c)) {
        if (!value.empty()) value += c;
        continue;
      }
      if (c == '"') {
        quoted = !quoted;
        kept = value.size();
        continue;
      }
      if (c == '\\' && !read_escape(c)) return false;
      if (c != '\0') value += c;
      kept = value.size();
    }
  }

  // What follows a backslash; NUL for a continued line.
  bool read_escape(char& c) {
    switch (c = next()) {
      case '\n':
        c = '\0';
        return at_ <= text_.size();
      case 't':
        c = '\t';
        return true;
      case 'b':
        c = '\b';
        return true;
      case 'n':
        c = '\n';
        return true;
      case '\\':
      case '"':
        return true;
      default:
        return false;
    }
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::string section_;
  std::string subsection_;
  std::vector<GitConfigEntry> entries_;
};

}  // namespace

std::vector<GitConfigEntry> parse_git_config(std::string_view text) { return Parser(text).parse(); }

bool is_true(const GitConfigEntry& entry) {
  if (!entry.value) return true;
  std::string text;
  for (const char c : *entry.value) text += lower(c);
  if (text == "true" || text == "yes" || text == "on") return true;
  return text.find_first_not_of("0123456789") == std::string::npos &&
         text.find_first_not_of('0') != std::string::npos;
}

}  // namespace kiln::os
