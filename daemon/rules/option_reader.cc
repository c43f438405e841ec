#include "daemon/rules/option_reader.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/types/printable.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

bool adds(const OptionSetting* setting) { return setting->name.ends_with(kAdd); }

// One value that somebody said. Text may be any scalar; JSON says itself what it is.
class SaidReader final : public ValueReader {
 public:
  SaidReader(Json value, bool is_text) : value_(std::move(value)), is_text_(is_text) {}
  explicit SaidReader(const OptionSetting& setting)
      : SaidReader(setting.json ? Json::parse(setting.value, nullptr, false) : Json(setting.value),
                   !setting.json) {}

  bool is_null() const override { return false; }
  Result<bool> boolean() const override {
    if (value_.is_boolean()) return value_.get<bool>();
    if (is_text_ && (value_ == "true" || value_ == "false")) return value_ == "true";
    return expected("true or false");
  }
  Result<int64_t> integer() const override {
    if (value_.is_number_integer()) return value_.get<int64_t>();
    return parsed<int64_t>("an integer");
  }
  Result<double> number() const override {
    if (value_.is_number()) return value_.get<double>();
    return parsed<double>("a number");
  }
  Result<std::string> text() const override {
    if (value_.is_string()) return value_.get<std::string>();
    return expected("text");
  }
  // Text is one element, or a list in JSON.
  Result<void> elements(const Visit& visit) override {
    if (value_.is_array()) return each(value_, visit);
    if (!is_text_) return expected("a list");
    if (!value_.get_ref<const std::string&>().starts_with('[')) return visit(*this);
    const Json list = Json::parse(value_.get_ref<const std::string&>(), nullptr, false);
    if (!list.is_array()) return expected("one element, or a list like [\"a\", \"b\"]");
    return each(list, visit);
  }
  Result<void> members(const VisitMember&) override { return expected("an option of its own"); }

 private:
  static Result<void> each(const Json& list, const Visit& visit) {
    for (const Json& element : list) {
      SaidReader reader(element, false);
      KILN_TRY(visit(reader));
    }
    return {};
  }
  Error expected(std::string_view what) const {
    const std::string found = is_text_ ? "'" + value_.get<std::string>() + "'" : value_.dump();
    return user_error(ErrorCode::kInvalidArgument,
                      "expected " + std::string(what) + ", found " + printable(found));
  }
  template <class T>
  Result<T> parsed(std::string_view what) const {
    if (!is_text_) return expected(what);
    const std::string& text = value_.get_ref<const std::string&>();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return expected(what);
    return value;
  }

  const Json value_;
  const bool is_text_;
};

}  // namespace

std::string field_name(std::string_view option) {
  if (option.ends_with(kAdd)) option.remove_suffix(kAdd.size());
  std::string name(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

OptionReader::OptionReader(Settings said, std::string initial)
    : said_(std::move(said)), initial_(std::move(initial)) {
  std::stable_sort(said_.begin(), said_.end(),
                   [](const auto* a, const auto* b) { return a->layer < b->layer; });
  blamed_ = said_.back();
}

bool OptionReader::only_adds() const { return std::all_of(said_.begin(), said_.end(), adds); }

Settings OptionReader::counted() const {
  if (only_adds()) return said_;
  const OptionLayer from = (*std::find_if_not(said_.rbegin(), said_.rend(), adds))->layer;
  Settings counted;
  std::copy_if(said_.begin(), said_.end(), std::back_inserter(counted),
               [from](const auto* said) { return said->layer >= from; });
  return counted;
}

template <class T>
Result<T> OptionReader::scalar(Result<T> (ValueReader::*read)() const) const {
  if (adds(&last())) {
    return user_error(ErrorCode::kInvalidArgument, "it is no list, so nothing can be added");
  }
  return (SaidReader(last()).*read)();
}

Result<bool> OptionReader::boolean() const { return scalar(&ValueReader::boolean); }
Result<int64_t> OptionReader::integer() const { return scalar(&ValueReader::integer); }
Result<double> OptionReader::number() const { return scalar(&ValueReader::number); }
Result<std::string> OptionReader::text() const { return scalar(&ValueReader::text); }

Result<void> OptionReader::elements(const Visit& visit) {
  if (only_adds()) {
    KILN_TRY(SaidReader(Json::parse(initial_, nullptr, false), false).elements(visit));
  }
  for (const OptionSetting* setting : counted()) {
    blamed_ = setting;
    KILN_TRY(SaidReader(*setting).elements(visit));
  }
  return {};
}

Result<void> OptionReader::members(const VisitMember& visit) {
  return SaidReader(last()).members(visit);
}

}  // namespace kiln::rules
