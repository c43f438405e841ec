#include "daemon/service/rules_service.h"

#include "daemon/rules/describe.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"
#include "daemon/session/option_listing.h"
#include "daemon/session/queries.h"

namespace kiln::service {

namespace {

// Below gRPC's limit for one message.
constexpr size_t kMostJson = size_t{3} << 20;
constexpr size_t kPiece = size_t{1} << 20;

Error too_long(const std::string& json) {
  return user_error(ErrorCode::kResourceExhausted,
                    "the value is " + std::to_string(json.size()) +
                        " bytes as JSON, more than one message may hold; Rules.StreamQuery sends "
                        "it in pieces");
}

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

session::OptionsQuery options_query_from(const v1::OptionsRequest& wire) {
  session::OptionsQuery query;
  if (!wire.scope().empty()) query.scope = wire.scope();
  if (!wire.goal().empty()) query.goal = wire.goal();
  return query;
}

void to_wire(const session::ListedScope& listed, v1::OptionsResponse::Scope& scope) {
  scope.set_name(std::string(listed.scope.scope));
  scope.set_summary(std::string(listed.scope.summary));
  for (const rules::OptionReport& report : listed.options) {
    v1::OptionsResponse::Option& option = *scope.add_options();
    option.set_name(report.name);
    option.set_help(std::string(report.help));
    option.set_kind(report.kind);
    option.set_default_value(report.initial);
    option.set_value(report.value);
    option.mutable_origins()->Add(report.origins.begin(), report.origins.end());
  }
}

}  // namespace

RulesService::Unary* RulesService::List(Context*, const v1::ListRulesRequest* request,
                                        v1::RulesText* response) {
  return UnaryCall::start(
      host_.home, host_.begin(*request),
      [this, request, response](const session::Run&) -> Task<Result<void>> {
        response->set_text(rules::list_rules(host_.engine.rules, form(request->json())));
        co_return Result<void>();
      });
}

RulesService::Unary* RulesService::Explain(Context*, const v1::ExplainTypeRequest* request,
                                           v1::RulesText* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, request, response](const session::Run&) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(*response->mutable_text(),
                                           rules::explain_type(host_.engine.rules, request->type(),
                                                               form(request->json())));
                            co_return Result<void>();
                          });
}

RulesService::Unary* RulesService::Graph(Context*, const v1::RuleGraphRequest* request,
                                         v1::RulesText* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
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

RulesService::Unary* RulesService::Query(Context* context, const v1::QueryRequest* request,
                                         v1::QueryResponse* response) {
  return UnaryCall::start(host_.home, host_.begin_lending(*request, *context),
                          [this, request, response](const session::Run& run) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(
                                session::QueryAnswer answer,
                                co_await session::query(host_.engine, run, query_from(*request)));
                            if (answer.json.size() > kMostJson) co_return too_long(answer.json);
                            response->set_json(std::move(answer.json));
                            host_.set_clock(answer.clock, *response->mutable_clock());
                            co_return Result<void>();
                          });
}

grpc::ServerWriteReactor<v1::QueryResponse>* RulesService::StreamQuery(
    Context* context, const v1::QueryRequest* request) {
  return StreamCall<v1::QueryResponse>::start(
      host_.home, context, host_.begin(*request),
      [this, request](const session::Run& run,
                      WriteQueue<v1::QueryResponse>& queue) -> Task<Result<void>> {
        KILN_CO_ASSIGN(const session::QueryAnswer answer,
                       co_await session::query(host_.engine, run, query_from(*request)));
        std::string_view left = answer.json;
        while (!left.empty()) {
          // A piece is a string of its own, and so ends between two characters.
          const std::string_view piece = head(left, kPiece);
          left.remove_prefix(piece.size());
          v1::QueryResponse message;
          message.set_json(std::string(piece));
          if (left.empty()) host_.set_clock(answer.clock, *message.mutable_clock());
          if (!co_await queue.send(std::move(message))) {
            co_return user_error(ErrorCode::kCancelled, "the client is gone");
          }
        }
        co_return Result<void>();
      });
}

RulesService::Unary* RulesService::Options(Context*, const v1::OptionsRequest* request,
                                           v1::OptionsResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, request, response](const session::Run& run) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(const std::vector<session::ListedScope> scopes,
                                           co_await session::list_options(
                                               host_.engine, run, root_from(request->caller()),
                                               options_query_from(*request)));
                            for (const session::ListedScope& scope : scopes)
                              to_wire(scope, *response->add_scopes());
                            co_return Result<void>();
                          });
}

}  // namespace kiln::service
