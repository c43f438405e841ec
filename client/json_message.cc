#include "client/json_message.h"

#include <google/protobuf/descriptor.h>
#include <strings.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "client/nearest_name.h"
#include "client/render.h"
#include "common/types/json_bytes.h"

namespace kiln {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

Error wrong_type(const FieldDescriptor& field, std::string_view wanted, const json& value) {
  return user_error(
      ErrorCode::kInvalidArgument,
      "field '" + field.name() + "' is " + value.type_name() + ", not " + std::string(wanted));
}

Result<const FieldDescriptor*> find_field(const Descriptor& type, const std::string& name) {
  if (const FieldDescriptor* field = type.FindFieldByName(name)) return field;
  if (const FieldDescriptor* field = type.FindFieldByCamelcaseName(name)) return field;
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(type.field_count()));
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return user_error(ErrorCode::kInvalidArgument,
                    "unknown field '" + name + "'" + did_you_mean(name, names));
}

// Integers come as numbers or, as 64-bit ones do in proto3's mapping, as strings.
template <class T>
Result<T> integer(const FieldDescriptor& field, const json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    T number{};
    const auto end = text.data() + text.size();
    if (const auto parsed = std::from_chars(text.data(), end, number);
        parsed.ec == std::errc() && parsed.ptr == end) {
      return number;
    }
  }
  if (value.is_number_unsigned() &&
      value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max())) {
    return static_cast<T>(value.get<uint64_t>());
  }
  if (value.is_number_integer() && !value.is_number_unsigned() && std::is_signed_v<T> &&
      value.get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<T>::min())) {
    return static_cast<T>(value.get<int64_t>());
  }
  return wrong_type(field, "an integer in its range", value);
}

Result<int> enum_number(const FieldDescriptor& field, const json& value) {
  const auto& type = *field.enum_type();
  if (value.is_number_integer()) {
    KILN_ASSIGN(const int32_t number, integer<int32_t>(field, value));
    if (type.FindValueByNumber(number) != nullptr) return number;
  }
  if (value.is_string()) {
    const auto& name = value.get_ref<const std::string&>();
    std::string names;
    for (int i = 0; i < type.value_count(); ++i) {
      const auto& candidate = *type.value(i);
      if (::strcasecmp(candidate.name().c_str(), name.c_str()) == 0) return candidate.number();
      names += (names.empty() ? "" : ", ") + candidate.name();
    }
    return user_error(ErrorCode::kInvalidArgument, "field '" + field.name() + "' has no value '" +
                                                       name + "'; it takes " + names);
  }
  return wrong_type(field, "the name of a value", value);
}

Result<void> fill_submessage(const FieldDescriptor& field, const json& value, Message& message) {
  if (value.is_string() && message.GetDescriptor() == v1::Digest::descriptor()) {
    auto digest = digest_of_text(value.get_ref<const std::string&>());
    if (!digest.ok()) {
      return user_error(digest.error().code(),
                        "field '" + field.name() + "': " + digest.error().message());
    }
    message.CopyFrom(*digest);
    return {};
  }
  if (!value.is_object()) return wrong_type(field, "an object", value);
  return fill_from_json(value, message);
}

// Sets or, for a repeated field, adds one value. Both of protobuf's reflection calls in one place.
#define KILN_PUT(Type, value)                                          \
  (field.is_repeated() ? reflection.Add##Type(&message, &field, value) \
                       : reflection.Set##Type(&message, &field, value))

Result<void> put(const FieldDescriptor& field, const json& value, Message& message) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        auto bytes = bytes_of_json(value);
        if (!bytes) return wrong_type(field, "text or {\"base64\": …}", value);
        KILN_PUT(String, *std::move(bytes));
        return {};
      }
      if (!value.is_string()) return wrong_type(field, "a string", value);
      KILN_PUT(String, value.get<std::string>());
      return {};
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!value.is_boolean()) return wrong_type(field, "a boolean", value);
      KILN_PUT(Bool, value.get<bool>());
      return {};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!value.is_number()) return wrong_type(field, "a number", value);
      KILN_PUT(Double, value.get<double>());
      return {};
    case FieldDescriptor::CPPTYPE_INT32: {
      KILN_ASSIGN(const int32_t number, integer<int32_t>(field, value));
      KILN_PUT(Int32, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      KILN_ASSIGN(const int64_t number, integer<int64_t>(field, value));
      KILN_PUT(Int64, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      KILN_ASSIGN(const uint64_t number, integer<uint64_t>(field, value));
      KILN_PUT(UInt64, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      KILN_ASSIGN(const int number, enum_number(field, value));
      KILN_PUT(EnumValue, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return fill_submessage(field, value,
                             field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                                 : *reflection.MutableMessage(&message, &field));
    default:
      return internal_error("field '" + field.name() + "' has a type that JSON input lacks");
  }
}

#undef KILN_PUT

Result<void> put_map(const FieldDescriptor& field, const json& object, Message& message) {
  if (!object.is_object()) return wrong_type(field, "an object", object);
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& mapped = *field.message_type()->map_value();
  for (const auto& [name, value] : object.items()) {
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    KILN_TRY(put(key, name, entry));
    auto done = put(mapped, value, entry);
    if (!done.ok()) {
      return user_error(ErrorCode::kInvalidArgument, "in field '" + field.name() + "', at '" +
                                                         name + "': " + done.error().message());
    }
  }
  return {};
}

}  // namespace

Result<void> fill_from_json(const json& object, Message& message) {
  for (const auto& [name, value] : object.items()) {
    KILN_ASSIGN(const FieldDescriptor* field, find_field(*message.GetDescriptor(), name));
    if (value.is_null()) continue;  // absent, in proto3's mapping
    if (field->is_map()) {
      KILN_TRY(put_map(*field, value, message));
    } else if (field->is_repeated()) {
      if (!value.is_array()) return wrong_type(*field, "an array", value);
      for (const json& element : value) KILN_TRY(put(*field, element, message));
    } else {
      KILN_TRY(put(*field, value, message));
    }
  }
  return {};
}

}  // namespace kiln
