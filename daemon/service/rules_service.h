// kiln.v1.Rules over the compiled rule graph and the session's queries. Contract: rules.proto.
#pragma once

#include "daemon/service/host.h"
#include "kiln/v1/rules.grpc.pb.h"

namespace kiln::service {

class RulesService final : public v1::Rules::CallbackService {
 public:
  explicit RulesService(const Host& host) : host_(host) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* List(Context*, const v1::ListRulesRequest*, v1::RulesText*) override;
  Unary* Explain(Context*, const v1::ExplainTypeRequest*, v1::RulesText*) override;
  Unary* Graph(Context*, const v1::RuleGraphRequest*, v1::RulesText*) override;
  Unary* Query(Context*, const v1::QueryRequest*, v1::QueryResponse*) override;
  grpc::ServerWriteReactor<v1::QueryResponse>* StreamQuery(Context*,
                                                           const v1::QueryRequest*) override;
  Unary* Options(Context*, const v1::OptionsRequest*, v1::OptionsResponse*) override;

 private:
  const Host& host_;
};

}  // namespace kiln::service
