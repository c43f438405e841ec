#include "client/render.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/types/digest.h"

namespace kiln {

namespace {

template <class... Args>
std::string formatted(const char* format, Args... args) {
  std::array<char, 64> buffer;
  const int n = std::snprintf(buffer.data(), buffer.size(), format, args...);
  return {buffer.data(), static_cast<size_t>(n)};
}

bool is_plain_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./=:+,@%").find(c) != std::string_view::npos;
  });
}

std::string shell_quoted(std::string_view word) {
  if (is_plain_word(word)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out + "'";
}

}  // namespace

std::string digest_text(const v1::Digest& digest) {
  return digest.hash() + "/" + std::to_string(digest.size_bytes());
}

Result<v1::Digest> digest_of_text(std::string_view text) {
  KILN_ASSIGN(const Digest parsed, parse_digest(text));
  v1::Digest digest;
  digest.set_hash(to_hex(parsed.hash));
  digest.set_size_bytes(parsed.size);
  return digest;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return formatted("%.1f %s", value, kUnits[unit]);
}

std::string seconds_text(double seconds) {
  if (seconds < 59.995) return formatted("%.2fs", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  return formatted("%lldm%02llds", static_cast<long long>(whole / 60),
                   static_cast<long long>(whole % 60));
}

std::string uptime_text(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  if (whole < 60) return formatted("%llds", whole);
  if (whole < 3600) return formatted("%lldm %llds", whole / 60, whole % 60);
  if (whole < 86400) return formatted("%lldh %lldm", whole / 3600, whole / 60 % 60);
  return formatted("%lldd %lldh", whole / 86400, whole / 3600 % 24);
}

std::string_view source_text(v1::ProcessResult::Source source) {
  switch (source) {
    case v1::ProcessResult::RAN:
      return "ran";
    case v1::ProcessResult::MEMOIZED:
      return "memoized";
    case v1::ProcessResult::HIT_LOCALLY:
      return "hit_locally";
    case v1::ProcessResult::HIT_REMOTELY:
      return "hit_remotely";
    default:
      return "unknown";
  }
}

std::string_view sandbox_text(v1::Process::Sandbox sandbox) {
  switch (sandbox) {
    case v1::Process::AUTO:
      return "auto";
    case v1::Process::PLAIN:
      return "plain";
    case v1::Process::STRICT:
      return "strict";
    default:
      return "unknown";
  }
}

std::string command_text(const std::vector<std::string>& argv, size_t columns) {
  std::string text;
  for (const std::string& word : argv) {
    if (!text.empty()) text += ' ';
    text += shell_quoted(word);
    if (text.size() > columns) {
      size_t end = columns;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
      return text.substr(0, end) + "...";
    }
  }
  return text;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace kiln
