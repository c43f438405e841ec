#include "daemon/rules/values/json.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/types/json_bytes.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

class JsonWriter final : public ValueWriter {
 public:
  void null() override { put(nullptr); }
  void boolean(bool value) override { put(value); }
  void integer(int64_t value) override { put(value); }
  void number(double value) override { put(value); }
  void text(std::string_view value) override { put(json_of_bytes<Json>(value)); }
  void choice(std::string_view name, std::span<const std::string_view>) override { text(name); }
  void begin_list() override { open_.push_back(&put(Json::array())); }
  void begin_record() override { open_.push_back(&put(Json::object())); }
  void member(std::string_view name) override { name_ = json_name_of_bytes(name); }
  void end() override { open_.pop_back(); }

  Json take() && { return std::move(root_); }

 private:
  // Pointers into open containers hold: a container grows only while it is the innermost.
  Json& put(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& in = *open_.back();
    if (in.is_object()) return in[name_] = std::move(value);
    in.push_back(std::move(value));
    return in.back();
  }

  Json root_;
  std::vector<Json*> open_;
  std::string name_;
};

class JsonReader final : public ValueReader {
 public:
  explicit JsonReader(const Json& json) : json_(json) {}

  bool is_null() const override { return json_.is_null(); }
  Result<bool> boolean() const override {
    if (!json_.is_boolean()) return expected("true or false");
    return json_.get<bool>();
  }
  Result<int64_t> integer() const override {
    const bool fits = !json_.is_number_unsigned() || std::in_range<int64_t>(json_.get<uint64_t>());
    if (!json_.is_number_integer() || !fits) return expected("an integer of 64 bits");
    return json_.get<int64_t>();
  }
  Result<double> number() const override {
    if (!json_.is_number()) return expected("a number");
    return json_.get<double>();
  }
  Result<std::string> text() const override {
    auto bytes = bytes_of_json(json_);
    if (!bytes) return expected(json_.is_object() ? "text or {\"base64\": …}" : "text");
    return *std::move(bytes);
  }
  Result<void> elements(const Visit& visit) override {
    if (!json_.is_array()) return expected("a list");
    for (size_t i = 0; i < json_.size(); ++i) {
      JsonReader element(json_[i]);
      KILN_TRY(visit(element).with_context("in element " + std::to_string(i)));
    }
    return {};
  }
  Result<void> members(const VisitMember& visit) override {
    if (!json_.is_object()) return expected("an object");
    for (const auto& [name, value] : json_.items()) {
      JsonReader member(value);
      const auto bytes = bytes_of_json_name(name);
      if (!bytes) return expected("base64 behind \"base64:\" in the name of a member");
      KILN_TRY(visit(*bytes, member).with_context("in field '" + printable(name) + "'"));
    }
    return {};
  }

 private:
  Error expected(std::string_view what) const {
    constexpr size_t kShown = 60;
    std::string found = json_.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (found.size() > kShown) found = found.substr(0, kShown) + "…";
    return user_error(ErrorCode::kInvalidArgument,
                      "expected " + std::string(what) + ", found " + printable(found));
  }

  const Json& json_;
};

}  // namespace

Result<std::string> to_json(TypeId type, const graph::Value& value) {
  if (type->write == nullptr) {
    return user_error(ErrorCode::kUnsupported,
                      "a value of type " + std::string(type->name) + " has no JSON form");
  }
  JsonWriter writer;
  type->write(writer, value);
  return std::move(writer).take().dump();
}

Result<Param> param_from_json(TypeId type, std::string_view text) {
  if (type->read == nullptr) {
    return user_error(ErrorCode::kUnsupported,
                      "a value of type " + std::string(type->name) + " cannot come from a client");
  }
  // The parser itself does not recurse, but whoever walks the value does.
  bool too_deep = false;
  const auto bounded = [&too_deep](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return !too_deep;
  };
  const Json json = Json::parse(text, bounded, false);
  if (too_deep) {
    return user_error(ErrorCode::kInvalidArgument,
                      "what is given for " + std::string(type->name) + " is nested more than " +
                          std::to_string(kMaxJsonDepth) + " levels deep");
  }
  if (json.is_discarded()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "what is given for " + std::string(type->name) + " is not JSON");
  }
  JsonReader reader(json);
  KILN_ASSIGN(graph::ValueRef value,
              type->read(reader).with_context("in a value of type " + std::string(type->name)));
  const Hash128 hash = type->hash(*value);
  return Param{type, std::move(value), hash};
}

}  // namespace kiln::rules
