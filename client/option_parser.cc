#include "client/option_parser.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <deque>
#include <string_view>

#include "client/nearest_name.h"

namespace kiln {

namespace {

// Options that kiln's documentation names and this version does not have.
constexpr std::array<std::string_view, 3> kPlanned = {"--cache-dir", "--interactive",
                                                      "--in-workspace"};
// Options of goals, which people may try on other commands.
constexpr std::array<std::string_view, 2> kOfGoals = {"--option", "--loop"};

constexpr size_t kHelpColumn = 30;

std::string option_help(const CLI::Option& option) {
  std::string names = "  ";
  for (const std::string& name : option.get_snames()) names += "-" + name + ", ";
  for (const std::string& name : option.get_lnames()) names += "--" + name;
  if (option.get_type_size() != 0) names += " " + option.get_type_name();
  names.resize(std::max(names.size() + 2, kHelpColumn), ' ');
  std::string text;
  for (const char c : option.get_description()) {
    text += c;
    if (c == '\n') text.append(kHelpColumn, ' ');
  }
  return names + text + "\n";
}

std::string indented(std::string_view lines) {
  std::string out = "  ";
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + "\n";
}

}  // namespace

struct OptionParser::Impl {
  // An option that may be given once. CLI11 fills a list, so that we say what is wrong with two.
  struct Value {
    std::vector<std::string> given;
    std::optional<std::string>* target;
    CLI::Option* option;
  };

  HelpText text;
  CLI::App app;
  std::deque<Value> values;
  std::string name;  // the command as errors call it, after "kiln: "
  std::string group = "Options";
  std::vector<std::string> groups = {group};
  std::vector<std::string>* positionals = nullptr;
  size_t least = 0;
  size_t most = 0;
  bool help_wanted = false;

  void place(CLI::Option* option) const { option->group(group); }

  std::vector<std::string> option_names() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

  Error misuse(std::string message) const {
    return user_error(ErrorCode::kInvalidArgument,
                      name + ": " + std::move(message) + "\n  usage: " + text.command +
                          (text.usage.empty() ? "" : " " + text.usage));
  }

  // In our words; CLI11's name its own notions.
  Error of_cli11(const CLI::ParseError& error) const {
    const std::string what = error.what();
    const std::string option = what.substr(0, what.find(':'));
    const CLI::Option* known = app.get_option_no_throw(option);
    if (known == nullptr || error.get_name() != "ArgumentMismatch") return misuse(what);
    return misuse(option + " needs a value: " + option + " " + known->get_type_name());
  }

  Error unknown(const std::string& argument) const {
    const std::string option = argument.substr(0, argument.find('='));
    if (std::find(kPlanned.begin(), kPlanned.end(), option) != kPlanned.end()) {
      return user_error(ErrorCode::kInvalidArgument, name + ": " + option + ": not supported yet");
    }
    if (std::find(kOfGoals.begin(), kOfGoals.end(), option) != kOfGoals.end()) {
      return user_error(ErrorCode::kInvalidArgument,
                        name + ": " + option + " is for goals, which " + name + " is none of");
    }
    if (argument.size() > 1 && argument[0] == '-') {
      const auto names = option_names();
      return user_error(ErrorCode::kInvalidArgument, name + ": unknown option " + option +
                                                         did_you_mean(option, names) + "\n  see " +
                                                         text.command + " --help");
    }
    return misuse("unexpected argument '" + argument + "'");
  }
};

OptionParser::OptionParser(HelpText text) : impl_(std::make_unique<Impl>()) {
  impl_->text = std::move(text);
  constexpr std::string_view kProgram = "kiln ";
  impl_->name = impl_->text.command;
  if (impl_->name.starts_with(kProgram)) impl_->name.erase(0, kProgram.size());
  impl_->app.set_help_flag();
  impl_->app.allow_extras();
}

OptionParser::~OptionParser() = default;

void OptionParser::flag(const std::string& names, bool& target, const std::string& help) {
  impl_->place(impl_->app.add_flag(names, target, help));
}

void OptionParser::value(const std::string& names, const std::string& metavar,
                         std::optional<std::string>& target, const std::string& help) {
  Impl::Value& value = impl_->values.emplace_back(Impl::Value{{}, &target, nullptr});
  value.option = impl_->app.add_option(names, value.given, help);
  impl_->place(
      value.option->type_name(metavar)->type_size(1)->allow_extra_args(false)->multi_option_policy(
          CLI::MultiOptionPolicy::TakeAll));
}

void OptionParser::list(const std::string& names, const std::string& metavar,
                        std::vector<std::string>& target, const std::string& help) {
  impl_->place(impl_->app.add_option(names, target, help)
                   ->type_name(metavar)
                   ->type_size(1)
                   ->allow_extra_args(false)
                   ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
}

void OptionParser::positionals(std::vector<std::string>& target, size_t least, size_t most) {
  impl_->positionals = &target;
  impl_->least = least;
  impl_->most = most;
}

void OptionParser::begin_group(const std::string& heading) {
  impl_->group = heading;
  if (std::find(impl_->groups.begin(), impl_->groups.end(), heading) == impl_->groups.end()) {
    impl_->groups.push_back(heading);
  }
}

Result<bool> OptionParser::parse(std::vector<std::string> arguments) {
  flag("-h,--help", impl_->help_wanted, "show this text");
  // What follows "--" is no option, however it looks.
  std::vector<std::string> after;
  if (const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
      dashes != arguments.end()) {
    after.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  // CLI11 reads "--name=" as "--name" without a value.
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    if (!argument.starts_with("--") || argument.find('=') + 1 != argument.size()) continue;
    argument.pop_back();
    arguments.insert(arguments.begin() + static_cast<ptrdiff_t>(i) + 1, "");
  }
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    impl_->app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return impl_->of_cli11(error);
  }
  for (Impl::Value& value : impl_->values) {
    if (value.given.size() > 1 && !impl_->help_wanted) {
      return impl_->misuse(value.option->get_name() + " is given twice");
    }
    if (!value.given.empty()) *value.target = std::move(value.given.front());
  }
  if (impl_->help_wanted) return false;
  std::vector<std::string> rest = impl_->app.remaining();
  for (const std::string& argument : rest) {
    if (argument.size() > 1 && argument[0] == '-') return impl_->unknown(argument);
  }
  rest.insert(rest.end(), after.begin(), after.end());
  if (impl_->positionals == nullptr) {
    if (!rest.empty()) return impl_->unknown(rest.front());
    return true;
  }
  if (rest.size() < impl_->least) return impl_->misuse("too few arguments");
  if (impl_->most != 0 && rest.size() > impl_->most) {
    return impl_->misuse("unexpected argument '" + rest[impl_->most] + "'");
  }
  *impl_->positionals = std::move(rest);
  return true;
}

std::string OptionParser::help() const {
  const HelpText& text = impl_->text;
  std::string out = text.summary + "\n\nUsage: " + text.command +
                    (text.usage.empty() ? "" : " " + text.usage) + "\n";
  if (!text.details.empty()) out += "\n" + text.details + "\n";
  for (const std::string& group : impl_->groups) {
    std::string options;
    for (const CLI::Option* option : impl_->app.get_options()) {
      if (option->get_group() == group) options += option_help(*option);
    }
    if (!options.empty()) out.append("\n").append(group).append(":\n").append(options);
  }
  if (!text.example.empty()) out += "\nExample:\n" + indented(text.example);
  return out;
}

}  // namespace kiln
