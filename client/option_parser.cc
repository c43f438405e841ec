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
constexpr std::array<std::string_view, 1> kPlanned = {"--concurrency"};
// Options of goals, which people may try on other commands.
constexpr std::array<std::string_view, 2> kOfGoals = {"--option", "--loop"};

// "-f,--follow"
std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> split;
  for (;;) {
    const size_t comma = names.find(',');
    split.emplace_back(names.substr(0, comma));
    if (comma == std::string_view::npos) return split;
    names.remove_prefix(comma + 1);
  }
}

Error unknown_choice(const std::string& option, const std::string& typed,
                     const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return user_error(ErrorCode::kInvalidArgument,
                    option + " '" + typed + "' is none of " + all + did_you_mean(typed, words));
}

}  // namespace

struct OptionParser::Impl {
  // An option that may be given once. CLI11 fills a list, so that we say what is wrong with two.
  struct Value {
    std::vector<std::string> given;
    std::function<Result<void>(std::string)> take;
    CLI::Option* option = nullptr;
  };

  CommandHelp help;
  CLI::App app;
  std::deque<Value> values;
  std::string name;  // the command as errors call it, after "kiln: "
  std::string group = "Options";
  std::vector<std::string>* positionals = nullptr;
  size_t least = 0;
  size_t most = 0;
  bool help_wanted = false;
  std::map<std::string, std::string> implied;  // values of options that may stand alone

  OptionHelp& document(const std::string& names, const std::string& metavar,
                       const std::string& text) {
    return help.options.emplace_back(OptionHelp{group, split_names(names), metavar, text});
  }

  CLI::Option* add_list(const std::string& names, const std::string& metavar,
                        std::vector<std::string>& target) {
    return app.add_option(names, target)
        ->type_name(metavar)
        ->type_size(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void add_value(const std::string& names, const std::string& metavar,
                 std::function<Result<void>(std::string)> take) {
    Value& value = values.emplace_back(Value{{}, std::move(take)});
    value.option = add_list(names, metavar, value.given);
  }

  std::vector<std::string> option_names() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

  Error misuse(std::string message) const {
    return user_error(ErrorCode::kInvalidArgument,
                      name + ": " + std::move(message) + "\n  usage: " + help.text.usage_line());
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
                                                         help.text.command + " --help");
    }
    return misuse("unexpected argument '" + argument + "'");
  }
};

OptionParser::OptionParser(HelpText text) : impl_(std::make_unique<Impl>()) {
  impl_->name = text.name();
  impl_->help.text = std::move(text);
  impl_->app.set_help_flag();
  impl_->app.allow_extras();
}

OptionParser::~OptionParser() = default;

void OptionParser::flag(const std::string& names, bool& target, const std::string& help) {
  impl_->document(names, "", help);
  impl_->app.add_flag(names, target);
}

void OptionParser::value(const std::string& names, const std::string& metavar,
                         std::optional<std::string>& target, const std::string& help) {
  impl_->document(names, metavar, help);
  impl_->add_value(names, metavar, [&target](std::string value) -> Result<void> {
    target = std::move(value);
    return {};
  });
}

void OptionParser::add_choice(const std::string& names, const std::string& metavar,
                              std::vector<std::string> words, std::optional<std::string> preset,
                              const std::string& help, std::function<void(size_t)> choose) {
  OptionHelp& documented = impl_->document(names, metavar, help);
  documented.choices = words;
  documented.preset = std::move(preset);
  impl_->add_value(names, metavar,
                   [option = documented.names.back(), words = std::move(words),
                    choose = std::move(choose)](const std::string& typed) -> Result<void> {
                     const auto found = std::find(words.begin(), words.end(), typed);
                     if (found == words.end()) return unknown_choice(option, typed, words);
                     choose(static_cast<size_t>(found - words.begin()));
                     return {};
                   });
}

void OptionParser::implied(const std::string& name, const std::string& value) {
  impl_->implied[name] = value;
}

void OptionParser::list(const std::string& names, const std::string& metavar,
                        std::vector<std::string>& target, const std::string& help) {
  impl_->document(names, metavar, help).repeatable = true;
  impl_->add_list(names, metavar, target);
}

void OptionParser::positionals(std::vector<std::string>& target, size_t least, size_t most) {
  impl_->positionals = &target;
  impl_->least = least;
  impl_->most = most;
}

void OptionParser::begin_group(const std::string& heading) { impl_->group = heading; }

Result<bool> OptionParser::parse(std::vector<std::string> arguments) {
  flag("-h,--help", impl_->help_wanted, "show this text");
  // What follows "--" is no option, however it looks.
  std::vector<std::string> after;
  if (const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
      dashes != arguments.end()) {
    after.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  for (std::string& argument : arguments) {
    const auto implied = impl_->implied.find(argument);
    if (implied != impl_->implied.end()) argument += "=" + implied->second;
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
  // Help, too, may depend on the values, and is given whatever they are.
  const bool strict = !impl_->help_wanted;
  for (Impl::Value& value : impl_->values) {
    if (strict && value.given.size() > 1) {
      return impl_->misuse(value.option->get_name() + " is given twice");
    }
    if (value.given.empty()) continue;
    const auto taken = value.take(std::move(value.given.front()));
    if (strict && !taken.ok()) return taken.error();
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

const CommandHelp& OptionParser::help() const { return impl_->help; }

}  // namespace kiln
