#include "daemon/service/rules_service.h"

#include "daemon/rules/describe.h"
#include "daemon/service/convert.h"
#include "daemon/session/queries.h"

namespace kiln::service {

namespace {

rules::DescribeAs form(bool json) {
  return json ? rules::DescribeAs::kJson : rules::DescribeAs::kText;
}

session::QueryRequest query_from(const v1::QueryRequest& wire) {
  session::QueryRequest request;
  request.product = wire.product();
  for (const v1::QueryRequest::Param& param : wire.params()) {
    request.params.push_back({param.type(), param.json()});
  }
  request.root = root_from(wire.caller());
  request.root.specs.assign(wire.specs().begin(), wire.specs().end());
  return request;
}

}  // namespace

RulesService::Unary* RulesService::List(Context*, const v1::ListRulesRequest* request,
                                        v1::RulesText* response) {
  return UnaryCall::start(
      host_.home, host_.begin(request->caller()),
      [this, request, response](const session::Run&) -> Task<Result<void>> {
        response->set_text(rules::list_rules(host_.engine.rules, form(request->json())));
        co_return Result<void>();
      });
}

RulesService::Unary* RulesService::Explain(Context*, const v1::ExplainTypeRequest* request,
                                           v1::RulesText* response) {
  return UnaryCall::start(host_.home, host_.begin(request->caller()),
                          [this, request, response](const session::Run&) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(*response->mutable_text(),
                                           rules::explain_type(host_.engine.rules, request->type(),
                                                               form(request->json())));
                            co_return Result<void>();
                          });
}

RulesService::Unary* RulesService::Graph(Context*, const v1::RuleGraphRequest* request,
                                         v1::RulesText* response) {
  return UnaryCall::start(host_.home, host_.begin(request->caller()),
                          [this, request, response](const session::Run&) -> Task<Result<void>> {
                            std::optional<std::string_view> goal;
                            if (!request->goal().empty()) goal = request->goal();
                            const rules::DrawAs drawn =
                                request->format() == v1::RuleGraphRequest::JSON
                                    ? rules::DrawAs::kJson
                                    : rules::DrawAs::kDot;
                            KILN_CO_ASSIGN(*response->mutable_text(),
                                           rules::draw_rules(host_.engine.rules, goal, drawn));
                            co_return Result<void>();
                          });
}

RulesService::Unary* RulesService::Query(Context*, const v1::QueryRequest* request,
                                         v1::QueryResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(request->caller()),
                          [this, request, response](const session::Run& run) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(
                                session::QueryAnswer answer,
                                co_await session::query(host_.engine, run, query_from(*request)));
                            response->set_json(std::move(answer.json));
                            host_.set_clock(answer.clock, *response->mutable_clock());
                            co_return Result<void>();
                          });
}

}  // namespace kiln::service
