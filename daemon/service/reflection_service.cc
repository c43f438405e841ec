#include "daemon/service/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "grpc/health/v1/health.pb.h"

namespace kiln::service {

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

// The file and what it imports, each once.
void add_files(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
               grpc::reflection::v1::FileDescriptorResponse& response) {
  if (!added.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) add_files(*file.dependency(i), added, response);
}

void answer_file(const FileDescriptor* file, const std::string& what,
                 ServerReflectionResponse& response) {
  if (file == nullptr) {
    response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
    response.mutable_error_response()->set_error_message("there is no " + what);
    return;
  }
  std::set<const FileDescriptor*> added;
  add_files(*file, added, *response.mutable_file_descriptor_response());
}

// kiln's messages are proto3 and have no extensions: a known type has none, others are not found.
void answer_extensions(const std::string& type, ServerReflectionResponse& response) {
  if (DescriptorPool::generated_pool()->FindMessageTypeByName(type) == nullptr) {
    return answer_file(nullptr, "type " + type, response);
  }
  response.mutable_all_extension_numbers_response()->set_base_type_name(type);
}

class Conversation final
    : public grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse> {
 public:
  explicit Conversation(const ReflectionService& service) : service_(service) {
    StartRead(&request_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    response_.Clear();
    service_.answer(request_, response_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

  const ReflectionService& service_;
  ServerReflectionRequest request_;
  ServerReflectionResponse response_;
};

}  // namespace

ReflectionService::ReflectionService(std::vector<std::string> services)
    : services_(std::move(services)) {
  // Has the linker keep the file that describes the health service.
  (void)grpc::health::v1::HealthCheckRequest::descriptor();
}

grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse>*
ReflectionService::ServerReflectionInfo(grpc::CallbackServerContext*) {
  return new Conversation(*this);
}

void ReflectionService::answer(const ServerReflectionRequest& request,
                               ServerReflectionResponse& response) const {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kListServices:
      for (const std::string& name : services_) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case ServerReflectionRequest::kFileByFilename:
      return answer_file(pool.FindFileByName(request.file_by_filename()),
                         "file " + request.file_by_filename(), response);
    case ServerReflectionRequest::kFileContainingSymbol:
      return answer_file(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                         "symbol " + request.file_containing_symbol(), response);
    case ServerReflectionRequest::kFileContainingExtension:
      return answer_file(nullptr, "such extension", response);
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      return answer_extensions(request.all_extension_numbers_of_type(), response);
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      break;
  }
  response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
  response.mutable_error_response()->set_error_message("the request asks nothing");
}

}  // namespace kiln::service
