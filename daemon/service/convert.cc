#include "daemon/service/convert.h"

#include <nlohmann/json.hpp>

#include "daemon/service/bounds.h"

namespace kiln::service {

namespace {

template <class D>
Result<D> parse(const v1::Digest& wire, std::string_view what,
                Result<D> (*parser)(std::string_view)) {
  return parser(wire.hash() + "/" + std::to_string(wire.size_bytes()))
      .with_context("in the field " + std::string(what));
}

// A value of a later kiln: to take it for another would not be what was asked for.
Error unknown(std::string_view field, int value) {
  return user_error(ErrorCode::kInvalidArgument,
                    "unknown " + std::string(field) + " " + std::to_string(value));
}

Result<exec::Network> network_from(v1::Process::Network wire) {
  switch (wire) {
    case v1::Process::NETWORK_UNSPECIFIED:
    case v1::Process::NONE:
      return exec::Network::kNone;
    case v1::Process::LOOPBACK:
      return exec::Network::kLoopback;
    case v1::Process::HOST:
      return exec::Network::kHost;
    default:
      return unknown("network", wire);
  }
}

// Whoever confines the network asks for the level that can.
Result<intrinsics::SandboxChoice> sandbox_from(const v1::Process& wire) {
  const bool confines =
      wire.network() == v1::Process::NONE || wire.network() == v1::Process::LOOPBACK;
  switch (wire.sandbox()) {
    case v1::Process::AUTO:
      return confines ? intrinsics::SandboxChoice::kStrict : intrinsics::SandboxChoice::kAuto;
    case v1::Process::STRICT:
      return intrinsics::SandboxChoice::kStrict;
    case v1::Process::PLAIN:
      if (!confines) return intrinsics::SandboxChoice::kPlain;
      return user_error(ErrorCode::kInvalidArgument,
                        "only the sandbox level strict confines the network: ask for strict, or "
                        "for the network host");
    default:
      return unknown("sandbox", wire.sandbox());
  }
}

Result<exec::CacheScope> scope_from(v1::Process::CacheScope wire) {
  switch (wire) {
    case v1::Process::SUCCESSFUL:
      return exec::CacheScope::kSuccessful;
    case v1::Process::ALWAYS:
      return exec::CacheScope::kAlways;
    case v1::Process::LOCAL_SUCCESSFUL:
      return exec::CacheScope::kLocalSuccessful;
    case v1::Process::LOCAL_ALWAYS:
      return exec::CacheScope::kLocalAlways;
    case v1::Process::PER_SESSION:
      return exec::CacheScope::kPerSession;
    case v1::Process::PER_RESTART_SUCCESSFUL:
      return exec::CacheScope::kPerRestartSuccessful;
    case v1::Process::PER_RESTART_ALWAYS:
      return exec::CacheScope::kPerRestartAlways;
    default:
      return unknown("cache_scope", wire);
  }
}

std::vector<std::string> strings(const google::protobuf::RepeatedPtrField<std::string>& wire) {
  return {wire.begin(), wire.end()};
}

v1::ProcessResult::Source wire_source(session::ResultSource source) {
  switch (source) {
    case session::ResultSource::kRan:
      return v1::ProcessResult::RAN;
    case session::ResultSource::kMemoized:
      return v1::ProcessResult::MEMOIZED;
    case session::ResultSource::kHitLocally:
      return v1::ProcessResult::HIT_LOCALLY;
  }
  return v1::ProcessResult::SOURCE_UNSPECIFIED;
}

}  // namespace

Result<Digest> digest_from(const v1::Digest& wire, std::string_view what) {
  return parse<Digest>(wire, what, parse_digest);
}

Result<FileDigest> file_digest_from(const v1::Digest& wire, std::string_view what) {
  return parse<FileDigest>(wire, what, parse_file_digest);
}

Result<session::PathGlobs> globs_from(const v1::PathGlobs& wire) {
  session::PathGlobs globs;
  globs.globs = strings(wire.globs());
  globs.origin = wire.description_of_origin();
  if (wire.no_ignore()) globs.rules = intrinsics::IgnoreRulesFor::kNone;
  switch (wire.match_error()) {
    case v1::PathGlobs::IGNORE:
      globs.match_error = session::GlobMatchError::kIgnore;
      break;
    case v1::PathGlobs::WARN:
      globs.match_error = session::GlobMatchError::kWarn;
      break;
    case v1::PathGlobs::ERROR:
      globs.match_error = session::GlobMatchError::kError;
      break;
    default:
      return unknown("match_error", wire.match_error());
  }
  switch (wire.conjunction()) {
    case v1::PathGlobs::ANY_MATCH:
      globs.conjunction = session::GlobConjunction::kAnyMatch;
      break;
    case v1::PathGlobs::ALL_MATCH:
      globs.conjunction = session::GlobConjunction::kAllMatch;
      break;
    default:
      return unknown("conjunction", wire.conjunction());
  }
  return globs;
}

void set_entry(const RelPath& path, const store::Node& node, v1::TreeEntry& wire) {
  wire.set_path(path.str());
  if (const auto* file = std::get_if<store::File>(&node)) {
    wire.set_kind(v1::TreeEntry::FILE);
    set_digest(file->digest, *wire.mutable_digest());
    wire.set_is_executable(file->executable);
  } else if (const auto* link = std::get_if<store::Symlink>(&node)) {
    wire.set_kind(v1::TreeEntry::SYMLINK);
    wire.set_symlink_target(link->target);
  } else {
    wire.set_kind(v1::TreeEntry::DIRECTORY);
    set_digest(std::get<store::TreePtr>(node)->digest(), *wire.mutable_digest());
  }
}

session::CallerOptions options_from(const v1::Caller& wire) {
  session::CallerOptions options;
  if (wire.has_ignore()) {
    const nlohmann::json patterns(strings(wire.ignore().patterns()));
    options.settings.push_back({.scope = "GLOBAL",
                                .name = "ignore",
                                .value = patterns.dump(),
                                .origin = "Caller.ignore",
                                .json = true});
  }
  for (const v1::OptionSetting& option : wire.options()) {
    options.settings.push_back(
        {.scope = option.scope(), .name = option.name(), .value = option.value()});
  }
  options.variables = {wire.option_variables().begin(), wire.option_variables().end()};
  return options;
}

session::RootRequest root_from(const v1::Caller& wire) {
  session::CallerOptions options = options_from(wire);
  session::RootRequest root;
  root.options = std::move(options.settings);
  root.option_variables = std::move(options.variables);
  root.environment = {wire.environment().begin(), wire.environment().end()};
  return root;
}

Result<session::ProcessSpec> process_from(const v1::Process& wire) {
  session::ProcessSpec spec;
  spec.argv = strings(wire.argv());
  spec.description = wire.description();
  if (wire.has_input_digest()) {
    KILN_ASSIGN(const Digest digest, digest_from(wire.input_digest(), "input_digest"));
    spec.input_digests.push_back(digest);
  }
  for (const v1::Digest& input : wire.input_digests()) {
    KILN_ASSIGN(const Digest digest, digest_from(input, "input_digests"));
    spec.input_digests.push_back(digest);
  }
  spec.input_globs = strings(wire.input_globs());
  spec.no_ignore = wire.no_ignore();
  spec.env.insert(wire.env().begin(), wire.env().end());
  spec.working_directory = wire.working_directory();
  spec.output_files = strings(wire.output_files());
  spec.output_directories = strings(wire.output_directories());
  spec.require_outputs = wire.require_outputs();
  spec.timeout_seconds = wire.timeout_seconds();
  KILN_ASSIGN(spec.cache_scope, scope_from(wire.cache_scope()));
  KILN_ASSIGN(spec.sandbox, sandbox_from(wire));
  KILN_ASSIGN(spec.network, network_from(wire.network()));
  spec.append_only_caches = {wire.append_only_caches().begin(), wire.append_only_caches().end()};
  spec.execution_slot_variable = wire.execution_slot_variable();
  return spec;
}

exec::KeepSandboxes keep_from(v1::KeepSandboxes wire) {
  switch (wire) {
    case v1::ALWAYS:
      return exec::KeepSandboxes::kAlways;
    case v1::ON_FAILURE:
      return exec::KeepSandboxes::kOnFailure;
    default:
      return exec::KeepSandboxes::kNever;
  }
}

void set_result(const session::Executed& executed, v1::ProcessResult& wire) {
  const store::ActionResult& result = executed.result.result;
  wire.set_exit_code(result.exit_code);
  wire.set_timed_out(executed.result.timed_out);
  set_digest(result.stdout_digest, *wire.mutable_stdout_digest());
  set_digest(result.stderr_digest, *wire.mutable_stderr_digest());
  set_digest(result.output_digest, *wire.mutable_output_digest());
  for (const std::string& path : result.missing_outputs) {
    if (wire.missing_outputs_size() == static_cast<int>(kMostNames)) break;
    wire.add_missing_outputs(path);
  }
  wire.set_missing_output_count(result.missing_outputs.size());
  wire.set_source(wire_source(executed.source));
  wire.set_wall_seconds(result.wall_seconds);
  wire.set_user_seconds(result.user_seconds);
  wire.set_system_seconds(result.system_seconds);
  wire.set_peak_memory_bytes(result.peak_memory_bytes);
  wire.set_sandbox(executed.result.level == exec::SandboxLevel::kStrict ? v1::Process::STRICT
                                                                        : v1::Process::PLAIN);
  set_digest(executed.action, *wire.mutable_action_digest());
  wire.set_kept_sandbox(executed.result.kept_sandbox);
  add_warnings(executed.warnings, *wire.mutable_warnings());
  for (const std::string& path : executed.missing_inputs) wire.add_missing_inputs(path);
}

void set_explanation(const session::KeyExplanation& explanation, v1::KeyExplanation& wire) {
  set_digest(explanation.action, *wire.mutable_action_digest());
  for (const session::KeyComponent& component : explanation.components) {
    v1::KeyComponent& one = *wire.add_components();
    one.set_kind(component.kind);
    one.set_name(component.name);
    one.set_value(component.value);
    if (component.digest) set_digest(*component.digest, *one.mutable_digest());
  }
  for (const std::string& warning : explanation.warnings) wire.add_warnings(warning);
}

}  // namespace kiln::service
