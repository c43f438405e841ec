// grpc.reflection.v1: which services there are, and what their messages look like. grpc++ of this
// version brings only v1alpha, which older tools ask for; the messages are the same.
//
// Threads: thread-safe; a call is its own reactor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"

namespace kiln::service {

class ReflectionService final : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  // The full names of the services to list. Files of all messages linked into this program are
  // told.
  explicit ReflectionService(std::vector<std::string> services);

  grpc::ServerBidiReactor<grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext*) override;

  // One question, one answer.
  void answer(const grpc::reflection::v1::ServerReflectionRequest& request,
              grpc::reflection::v1::ServerReflectionResponse& response) const;

 private:
  const std::vector<std::string> services_;
};

}  // namespace kiln::service
