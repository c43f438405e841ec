// kiln rules list | explain | graph | query
#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/option_parser.h"
#include "kiln/v1/rules.pb.h"

namespace kiln {

namespace {

template <class Request>
Result<int> print_text(Invocation& invocation, std::string_view method, Request request) {
  KILN_ASSIGN(auto answer, invocation.ask<v1::RulesText>(method, request));
  if (!answer.text().ends_with('\n')) answer.mutable_text()->push_back('\n');
  KILN_TRY(invocation.console().write_stdout(answer.text()));
  return 0;
}

// "PathGlobs={\"globs\": [\"**\"]}"
Result<void> add_param(const std::string& text, v1::QueryRequest& request) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return user_error(ErrorCode::kInvalidArgument,
                      "the param '" + text +
                          "' is not TYPE=JSON, as in PathGlobs='{\"globs\": "
                          "[\"**\"]}'");
  }
  v1::QueryRequest::Param& param = *request.add_params();
  param.set_type(text.substr(0, equals));
  param.set_json(text.substr(equals + 1));
  return {};
}

}  // namespace

Result<int> run_rules_list(Invocation& invocation) {
  OptionParser parser(
      {"kiln rules list", "[OPTION]...",
       "List what the daemon can compute: goals, queries and rules.",
       "For each rule: what it returns, takes and asks for, and where it is written.", ""});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::ListRulesRequest request;
  request.set_json(invocation.globals().json());
  return print_text(invocation, "/kiln.v1.Rules/List", std::move(request));
}

Result<int> run_rules_explain(Invocation& invocation) {
  std::vector<std::string> types;
  OptionParser parser(
      {"kiln rules explain", "TYPE|GOAL [OPTION]...",
       "Explain how values of a type come about, or what a goal does.",
       "Of a type: its fields, which rules make it and of what, who asks for it and\n"
       "what gives it; of options how to set them; of a union its members. Of a goal:\n"
       "what it asks for, and the options that reach it.",
       "kiln rules explain Snapshot\nkiln rules explain lint"});
  parser.positionals(types, 1, 1);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::ExplainTypeRequest request;
  request.set_type(types.front());
  request.set_json(invocation.globals().json());
  return print_text(invocation, "/kiln.v1.Rules/Explain", std::move(request));
}

Result<int> run_rules_graph(Invocation& invocation) {
  std::optional<std::string> goal;
  Chosen<v1::RuleGraphRequest::Format> format = {v1::RuleGraphRequest::DOT};
  OptionParser parser({"kiln rules graph", "[OPTION]...", "Draw the compiled rule graph.",
                       "In graphviz's language, or as JSON.",
                       "kiln rules graph --goal lint | dot -Tsvg >rules.svg"});
  parser.value("--goal", "GOAL", goal, "only what this goal reaches");
  parser.choice<v1::RuleGraphRequest::Format>(
      "--format", "FORMAT", format,
      {{"dot", v1::RuleGraphRequest::DOT}, {"json", v1::RuleGraphRequest::JSON}},
      "{choices}; json if --json is given");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::RuleGraphRequest request;
  const bool as_json = invocation.globals().json() && !format.given;
  request.set_format(as_json ? v1::RuleGraphRequest::JSON : format.value);
  request.set_goal(goal.value_or(""));
  return print_text(invocation, "/kiln.v1.Rules/Graph", std::move(request));
}

Result<int> run_rules_query(Invocation& invocation) {
  std::vector<std::string> words;
  std::vector<std::string> specs;
  CallerOptions caller;
  OptionParser parser({"kiln rules query", "PRODUCT [TYPE=JSON]... [OPTION]...",
                       "Compute a value by its type, and print it as JSON.",
                       "PRODUCT and the TYPEs are as `kiln rules list` shows them under queries.",
                       "kiln rules query Snapshot PathGlobs='{\"globs\": [\"src/**\"]}'"});
  parser.positionals(words, 1, 0);
  parser.list("--spec", "SPEC", specs, "for queries that begin with specs");
  caller.add_to(parser);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::QueryRequest request;
  KILN_TRY(caller.fill(*request.mutable_caller()));
  request.set_product(words.front());
  for (size_t i = 1; i < words.size(); ++i) KILN_TRY(add_param(words[i], request));
  for (const std::string& spec : specs) request.add_specs(spec);
  KILN_TRY(invocation.fill(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_TRY(session->server_stream("/kiln.v1.Rules/StreamQuery", request,
                                  [&](std::string_view bytes) -> Result<void> {
                                    v1::QueryResponse response;
                                    KILN_TRY(parse_message(bytes, response));
                                    return invocation.console().write_stdout(response.json());
                                  }));
  KILN_TRY(invocation.console().write_stdout("\n"));
  return 0;
}

}  // namespace kiln
