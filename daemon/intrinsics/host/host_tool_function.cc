#include "daemon/intrinsics/host/host_tool_function.h"

#include <array>
#include <optional>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/host/tool_walk.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "host.tool/2";

// Variables of a process that lead to parts of its tool.
constexpr std::array<const char*, 7> kVariables = {
    "PATH", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "RUSTUP_HOME", "PYTHONPATH", "PYTHONUSERBASE"};

// A tool, or why there is none.
struct ToolValue {
  exec::HostTool tool;
  std::optional<Error> refusal;
  friend bool operator==(const ToolValue& a, const ToolValue& b) {
    if (a.refusal.has_value() != b.refusal.has_value()) return false;
    return a.refusal ? a.refusal->message() == b.refusal->message() : a.tool == b.tool;
  }
};

Result<exec::HostTool> result_of(const graph::ValueRef& value) {
  const auto& [tool, refusal] = graph::value_as<ToolValue>(value);
  if (refusal) return *refusal;
  return tool;
}

graph::Computed refused(Error error) {
  return {graph::make_value(ToolValue{{}, std::move(error)})};
}

}  // namespace

// The input of a node.
struct HostToolFunction::Wanted {
  exec::ToolSearch search;
  ToolEnvironment environment;
  HostFingerprint fingerprint = HostFingerprint::kTool;

  static Result<Wanted> of(const exec::Process& process, HostFingerprint fingerprint) {
    KILN_ASSIGN(exec::ToolSearch search, exec::search_for_tool(process));
    Wanted wanted{std::move(search), {}, fingerprint};
    for (const char* name : kVariables) {
      const auto it = process.env.find(name);
      if (it != process.env.end()) wanted.environment.insert(*it);
    }
    return wanted;
  }
  friend bool operator==(const Wanted&, const Wanted&) = default;
};

Task<Result<exec::HostTool>> HostToolFunction::tool_of(graph::Context& context,
                                                       const exec::Process& process,
                                                       HostFingerprint fingerprint) const {
  KILN_CO_ASSIGN(Wanted wanted, Wanted::of(process, fingerprint));
  KILN_CO_ASSIGN(const graph::ValueRef value, co_await context.get(key(std::move(wanted))));
  co_return result_of(value);
}

Hash128 HostToolFunction::node_of(const exec::Process& process, HostFingerprint fingerprint) const {
  Result<Wanted> wanted = Wanted::of(process, fingerprint);
  return wanted.ok() ? key(*std::move(wanted)).hash : Hash128();
}

std::string_view HostToolFunction::name() const { return kName; }

std::string HostToolFunction::describe(const graph::Value& input) const {
  return "find the tool " + printable(graph::value_as<Wanted>(input).search.command);
}

graph::Key HostToolFunction::key(Wanted wanted) const {
  KeyEncoder encoder(kName);
  const exec::ToolSearch& search = wanted.search;
  // The variable is part of what is said when nothing is found.
  encoder.add(search.command).add(uint64_t{search.path_variable.has_value()});
  encoder.add(search.path_variable.value_or(""));
  for (const auto& [where, path, host_file, content] : search.candidates) {
    encoder.add(static_cast<uint64_t>(where)).add(path).add(host_file).add(content);
  }
  for (const auto& [name, value] : wanted.environment) encoder.add(name).add(value);
  encoder.add(static_cast<uint64_t>(wanted.fingerprint));
  const Hash128 hash = encoder.hash();
  return {hash, this, graph::make_value(std::move(wanted))};
}

Task<Result<graph::Computed>> HostToolFunction::compute(graph::Context& context,
                                                        const graph::Value& value) const {
  using Where = exec::ToolSearch::Where;
  using FoundKind = HostLookup::Found::Kind;
  const auto& wanted = graph::value_as<Wanted>(value);
  HostLookup host(services_, context);
  ToolWalk walk(host, wanted.environment);
  if (wanted.fingerprint == HostFingerprint::kPackages) KILN_CO_TRY(co_await walk.add_packages());
  const exec::ToolSearch::Candidate* not_executable = nullptr;
  for (const auto& candidate : wanted.search.candidates) {
    if (candidate.where == Where::kInput) {
      KILN_CO_TRY(co_await walk.add_input(candidate.content));
      co_return graph::Computed{graph::make_value(ToolValue{{candidate.path, walk.take()}, {}})};
    }
    HostLookup::Found found{.kind = FoundKind::kOther, .path = {}, .metadata = {}};
    if (candidate.where == Where::kHost) {
      KILN_CO_ASSIGN(found, co_await host.look(candidate.host_file));
    }
    if (found.kind == FoundKind::kFile && found.executable) {
      KILN_CO_TRY(co_await walk.add_program(exec::ToolComponent::Kind::kExecutable,
                                            candidate.host_file, std::move(found)));
      co_return graph::Computed{graph::make_value(ToolValue{{candidate.path, walk.take()}, {}})};
    }
    if (found.kind != FoundKind::kNothing && not_executable == nullptr) not_executable = &candidate;
  }
  co_return refused(not_executable != nullptr ? exec::ToolSearch::not_executable(*not_executable)
                                              : wanted.search.not_found());
}

}  // namespace kiln::intrinsics
