#include "daemon/service/request_check.h"

#include <cstdlib>
#include <memory>
#include <vector>

#include "common/ipc/mount_view.h"

namespace kiln::service {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Error unknown_value(const FieldDescriptor& field, int value) {
  return user_error(ErrorCode::kInvalidArgument, "unknown value " + std::to_string(value) +
                                                     " in the field " + field.name() +
                                                     "; this daemon is kiln " KILN_VERSION);
}

Result<void> check_enums(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const auto known = [&field](int value) -> Result<void> {
    if (field.enum_type()->FindValueByNumber(value) != nullptr) return {};
    return unknown_value(field, value);
  };
  if (!field.is_repeated()) return known(reflection.GetEnumValue(message, &field));
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    KILN_TRY(known(reflection.GetRepeatedEnumValue(message, &field, i)));
  }
  return {};
}

Result<void> check_messages(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return check_values(reflection.GetMessage(message, &field));
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    KILN_TRY(check_values(reflection.GetRepeatedMessage(message, &field, i)));
  }
  return {};
}

}  // namespace

Result<void> check_values(const Message& request) {
  std::vector<const FieldDescriptor*> set;
  request.GetReflection()->ListFields(request, &set);
  for (const FieldDescriptor* field : set) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) KILN_TRY(check_enums(request, *field));
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      KILN_TRY(check_messages(request, *field));
    }
  }
  return {};
}

Result<void> check_view(const v1::Caller& caller, const std::string& root) {
  if (!caller.has_view() || root.empty()) return {};
  v1::MountView ours;
  KILN_TRY(fill_mount_view(root, ours)
               .with_context(
                   "while comparing what the client's mount namespace shows with the daemon's"));
  const std::string differs = difference(caller.view(), ours);
  if (differs.empty()) return {};
  return environment_error(
      ErrorCode::kFailedPrecondition,
      "the daemon runs in another mount namespace than this command and sees other files: " +
          differs +
          "\n  set KILN_HOME to a directory of its own here (as in every container, sandboxed "
          "editor or service with private mounts): then a daemon of this namespace answers");
}

std::string resolved_root(const std::string& root) {
  // realpath() would take a relative path, or the part before a NUL byte, for the root.
  if (!root.starts_with('/') || root.find('\0') != std::string::npos) return root;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(root.c_str(), nullptr),
                                                         &std::free);
  return real == nullptr ? root : std::string(real.get());
}

}  // namespace kiln::service
