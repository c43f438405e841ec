#include "client/lent_view.h"

#include <google/protobuf/unknown_field_set.h>
#include <sys/stat.h>

#include "common/ipc/mount_view.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

namespace {

ino_t mount_namespace(const std::string& process) {
  struct stat st;
  return ::stat(("/proc/" + process + "/ns/mnt").c_str(), &st) == 0 ? st.st_ino : 0;
}

// The field of a serialized message, as far as one is there.
std::string field_of(const std::string& message, int number) {
  google::protobuf::UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return "";
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.number() == number &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      return field.length_delimited();
    }
  }
  return "";
}

}  // namespace

bool shares_mount_namespace(pid_t daemon) {
  if (daemon <= 0) return false;
  const ino_t ours = mount_namespace("self");
  return ours != 0 && mount_namespace(std::to_string(daemon)) == ours;
}

Result<void> lend_view(int caller_field, std::string& request) {
  v1::Caller caller;
  if (!caller.ParseFromString(field_of(request, caller_field))) return {};
  if (caller.workspace_root().empty()) return {};
  v1::Caller view;
  KILN_TRY(fill_mount_view(caller.workspace_root(), *view.mutable_view()));
  // A field that comes twice in a serialized message is merged.
  google::protobuf::UnknownFieldSet addition;
  addition.AddLengthDelimited(caller_field, view.SerializeAsString());
  std::string bytes;
  if (!addition.SerializeToString(&bytes)) return internal_error("a mount view is too large");
  request += bytes;
  return {};
}

}  // namespace kiln
