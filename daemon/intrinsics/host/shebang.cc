#include "daemon/intrinsics/host/shebang.h"

#include <array>
#include <cctype>
#include <vector>

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kBlanks = " \t";
constexpr size_t kKernelReads = 256;  // BINPRM_BUF_SIZE

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// As env -S splits: blanks, quotes and backslashes. Variables stay as they are written.
std::vector<std::string> split_string(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && quote != '\'') {
      const char next = text[++i];
      if (next == '_' && quote == 0) {  // a blank between words
        if (in_word) words.push_back(std::exchange(word, {}));
        in_word = false;
        continue;
      }
      word += next == '_' ? ' ' : next;
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      if (c == '#' && !in_word) break;  // a comment
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

// Replaces a leading -S, --split-string= or -vS by the words that it holds.
std::vector<std::string> words_of(std::string_view argument) {
  constexpr std::string_view kLong = "--split-string";
  if (argument.starts_with(kLong)) {
    argument.remove_prefix(kLong.size());
    if (argument.starts_with('=')) argument.remove_prefix(1);
    return split_string(argument);
  }
  // Short options may stand together in front of S: -iS, -vS.
  if (argument.starts_with('-') && !argument.starts_with("--")) {
    const size_t s = argument.find('S');
    const size_t blank = argument.find_first_of(kBlanks);
    if (s != std::string_view::npos && (blank == std::string_view::npos || s < blank)) {
      std::vector<std::string> words;
      if (s > 1) words.emplace_back(argument.substr(0, s));
      const auto more = split_string(argument.substr(s + 1));
      words.insert(words.end(), more.begin(), more.end());
      return words;
    }
  }
  if (argument.empty()) return {};
  return {std::string(argument)};
}

// Whether an option takes the next word as its value.
bool takes_next(std::string_view option) {
  constexpr std::array<std::string_view, 4> kWithValue = {"-u", "--unset", "-C", "--chdir"};
  for (const std::string_view name : kWithValue) {
    if (option == name) return true;
  }
  return false;
}

bool clears_environment(std::string_view option) {
  if (option == "-" || option == "--ignore-environment") return true;
  if (!option.starts_with('-') || option.starts_with("--")) return false;
  if (option.starts_with("-u") || option.starts_with("-C")) return false;
  return option.find('i') != std::string_view::npos;
}

}  // namespace

std::optional<Shebang> parse_shebang(std::string_view text) {
  if (!text.starts_with("#!")) return std::nullopt;
  std::string_view line = text.substr(2, kKernelReads - 2);
  line = trimmed(line.substr(0, line.find('\n')));
  const size_t end = line.find_first_of(kBlanks);
  Shebang shebang{std::string(line.substr(0, end)), {}};
  if (shebang.interpreter.empty()) return std::nullopt;
  if (end != std::string_view::npos) shebang.argument = trimmed(line.substr(end));
  return shebang;
}

std::optional<EnvCommand> parse_env_argument(std::string_view argument) {
  EnvCommand result;
  bool options = true;
  const std::vector<std::string> words = words_of(argument);
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (options && word.starts_with('-')) {
      options = word != "--";
      result.clears |= clears_environment(word);
      if (takes_next(word)) ++i;
      continue;
    }
    options = false;
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      result.command = word;
      return result;
    }
    if (word.substr(0, equals) == "PATH") result.path = word.substr(equals + 1);
  }
  return std::nullopt;
}

}  // namespace kiln::intrinsics
