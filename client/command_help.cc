#include "client/command_help.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace kiln {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kProgram = "kiln ";
constexpr std::string_view kChoices = "{choices}";
constexpr size_t kOptionColumn = 30;
constexpr size_t kExitCodeColumn = 9;

// Every line but the first begins with so many spaces.
std::string hanging(std::string_view lines, size_t spaces) {
  std::string out;
  for (const char c : lines) {
    out += c;
    if (c == '\n') out.append(spaces, ' ');
  }
  return out;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : separator).append(word);
  return out;
}

// "auto (default), always or never"
std::string listed_choices(const OptionHelp& option) {
  std::string out;
  for (size_t i = 0; i < option.choices.size(); ++i) {
    if (i > 0) out += i + 1 == option.choices.size() ? " or " : ", ";
    out += option.choices[i];
    if (option.choices[i] == option.preset) out += " (default)";
  }
  return out;
}

std::string as_text(const OptionHelp& option) {
  std::string names = joined(option.names, ", ");
  const bool optional = option.metavar.starts_with("[=");
  if (!option.metavar.empty()) names += (optional ? "" : " ") + option.metavar;
  return help_row(names, option.explanation(), kOptionColumn);
}

Json as_json(const OptionHelp& option) {
  Json json = {
      {"names", option.names},     {"value", nullptr},   {"repeatable", option.repeatable},
      {"choices", option.choices}, {"default", nullptr}, {"help", one_line(option.explanation())},
      {"group", option.group}};
  if (!option.metavar.empty()) json["value"] = option.metavar;
  if (option.preset) json["default"] = *option.preset;
  return json;
}

}  // namespace

std::string HelpText::name() const {
  return command.starts_with(kProgram) ? command.substr(kProgram.size()) : command;
}

std::string HelpText::usage_line() const { return usage.empty() ? command : command + " " + usage; }

std::string OptionHelp::explanation() const {
  std::string out = text;
  if (const size_t at = out.find(kChoices); at != std::string::npos) {
    out.replace(at, kChoices.size(), listed_choices(*this));
  }
  return out;
}

std::string as_text(std::span<const ExitCode> codes) {
  std::string out = "Exit codes:\n";
  for (const ExitCode& exit : codes) {
    out += help_row(exit.code, exit.meaning, kExitCodeColumn);
  }
  return out;
}

nlohmann::ordered_json as_json(std::span<const ExitCode> codes) {
  Json json = Json::array();
  for (const ExitCode& exit : codes) {
    json.push_back({{"code", exit.code}, {"meaning", exit.meaning}});
  }
  return json;
}

std::string as_text(const CommandHelp& help) {
  const HelpText& text = help.text;
  std::string out = text.summary + "\n\nUsage: " + text.usage_line() + "\n";
  if (!text.details.empty()) out += "\n" + text.details + "\n";
  std::string_view group;
  for (const OptionHelp& option : help.options) {
    if (option.group != group) out += "\n" + option.group + ":\n";
    group = option.group;
    out += as_text(option);
  }
  if (!text.exit_codes.empty()) out += "\n" + as_text(text.exit_codes);
  if (!text.example.empty()) out += "\nExample:\n  " + hanging(text.example, 2) + "\n";
  return out;
}

nlohmann::ordered_json as_json(const CommandHelp& help) {
  const HelpText& text = help.text;
  Json options = Json::array();
  for (const OptionHelp& option : help.options) options.push_back(as_json(option));
  return {{"name", text.name()},           {"usage", text.usage_line()},
          {"summary", text.summary},       {"details", text.details},
          {"options", std::move(options)}, {"exit_codes", as_json(text.exit_codes)},
          {"example", text.example}};
}

std::string help_row(std::string_view name, std::string_view lines, size_t column) {
  std::string row = "  " + std::string(name) + "  ";
  row.resize(std::max(row.size(), column), ' ');
  return row + hanging(lines, column) + "\n";
}

std::string one_line(std::string lines) {
  std::replace(lines.begin(), lines.end(), '\n', ' ');
  return lines;
}

}  // namespace kiln
