// An entry as a function of the memo.
#include <algorithm>

#include "daemon/rules/application.h"

namespace kiln::rules {

namespace {

// What a rule asks for as a node: each answer becomes a dependency.
class NodeAsker {
 public:
  NodeAsker(graph::Context& context, const Entry& entry, const graph::Value& input)
      : context_(context), entry_(entry), input_(input) {}

  graph::Context::Get one(graph::Key key) { return context_.get(std::move(key)); }
  Task<Result<std::vector<WantAnswer>>> all(std::vector<graph::Key> keys, Tolerated tolerated) {
    if (!tolerated.empty()) {
      co_return co_await context_.get_some(std::move(keys), std::move(tolerated));
    }
    KILN_CO_ASSIGN(std::vector<graph::ValueRef> values, co_await context_.get_all(std::move(keys)));
    co_return std::vector<WantAnswer>(std::make_move_iterator(values.begin()),
                                      std::make_move_iterator(values.end()));
  }
  Task<Result<void>> ready_for_effect() {
    co_return internal_error("a rule that is no goal tried to have an effect");
  }
  Task<Result<void>> act(const Effect&) {
    KILN_CHECK(false, "a rule that is no goal had an effect");
    co_return Result<void>();
  }
  // The graph adds a frame where an error passes through; this is the one where it begins.
  Error own(const Error& error) const {
    return error.with_context("while computing " + entry_.describe(input_));
  }

 private:
  graph::Context& context_;
  const Entry& entry_;
  const graph::Value& input_;
};

Hash128 seed_of(const RuleInfo& rule, std::span<const TypeId> params) {
  Encoder out;
  out.text(rule.name);
  for (const TypeId type : params) out.text(type->name);
  return out.hash();
}

graph::Validity validity_of(const RuleInfo& rule, std::span<const TypeId> params) {
  const bool of_this_run =
      rule.uncacheable ||
      std::any_of(params.begin(), params.end(), [](TypeId t) { return t->session_scoped; });
  return of_this_run ? graph::Validity::kThisRun : graph::Validity::kForever;
}

// "lint_one" of "kiln::shell::lint_one".
std::string_view short_name(std::string_view name) {
  const size_t colon = name.rfind("::");
  return colon == std::string_view::npos ? name : name.substr(colon + 2);
}

}  // namespace

Entry::Entry(const RuleDefinition& the_rule, std::vector<TypeId> the_params)
    : rule(the_rule),
      params(std::move(the_params)),
      seed_(seed_of(rule.info, params)),
      holds_(validity_of(rule.info, params)) {}

graph::Key Entry::key(Params given) const {
  Encoder out;
  encode_value(out, seed_);
  for (const Param& param : given) encode_value(out, param.hash);
  return {out.hash(), this, graph::make_value(std::move(given))};
}

Param Entry::param(const Supply& supply, const Params& own, std::span<const Param> inputs) {
  const Supply::From& from = supply.params.front();
  return from.input ? inputs[from.index] : own[from.index];
}

graph::Key Entry::key(const Supply& supply, const Params& own, std::span<const Param> inputs) {
  Params given;
  given.reserve(supply.params.size());
  for (const Supply::From& from : supply.params) {
    given.push_back(from.input ? inputs[from.index] : own[from.index]);
  }
  return supply.entry->key(std::move(given));
}

Result<const Supply*> supply_for(const Entry& entry, const Want& want) {
  const GetSupply& supplies = entry.gets[want.get];
  if (want.inputs.empty()) return &supplies.cases.front().supply;
  const TypeId input = want.inputs.front().type;
  if (const Supply* supply = supplies.find(input)) return supply;
  const GetDeclaration& get = entry.rule.info.gets[want.get];
  const std::string base(get.inputs.front()->name);
  return user_error(ErrorCode::kInvalidArgument,
                    to_string(get) + " was given " + std::string(input->name) +
                        ", which is no member of " + base + ": register it, RuleSet::member<" +
                        base + ", " + std::string(input->name) + ">()");
}

std::string_view Entry::name() const { return rule.info.name; }

std::string Entry::describe(const graph::Value& input) const {
  const Params& own = graph::value_as<Params>(input);
  std::string text(short_name(rule.info.name));
  // The param that it takes first says which application of the rule this is.
  for (const Supply& supply : arguments) {
    if (supply.entry != nullptr || supply.params.empty()) continue;
    const Param& param = own[supply.params.front().index];
    if (param.type->title != nullptr) return param.type->title(*param.value);
    return text + "(" + describe_value(param.type, *param.value) + ")";
  }
  return text;
}

Task<Result<graph::Computed>> Entry::compute(graph::Context& context,
                                             const graph::Value& input) const {
  const Params& own = graph::value_as<Params>(input);
  NodeAsker asker(context, *this, input);
  std::vector<WantAnswer> held;
  KILN_CO_ASSIGN(const std::vector<Argument> given,
                 co_await find_arguments(asker, *this, own, EffectSet(), held));
  graph::Computed computed;
  if (rule.info.kind == RuleKind::kIntrinsic) {
    KILN_CO_ASSIGN(computed, co_await rule.compute(context, given));
  } else {
    KILN_CO_ASSIGN(computed.value, co_await run_body(asker, *this, own, given));
  }
  const TypeId product = rule.info.product;
  const bool cacheable = product->cacheable == nullptr || product->cacheable(*computed.value);
  computed.validity = std::max(computed.validity, cacheable ? holds_ : graph::Validity::kThisRun);
  co_return computed;
}

}  // namespace kiln::rules
