#include "daemon/intrinsics/files/host_tool_function.h"

#include <unistd.h>

#include <optional>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "host.tool/1";

// Tools of this size and more are read on the blocking executor.
constexpr int64_t kReadElsewhere = int64_t{1} << 20;

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

store::FileStat identity(const PathMetadata& metadata) {
  return {metadata.device, metadata.inode, metadata.length, metadata.mtime_ns, metadata.ctime_ns};
}

}  // namespace

// What stands at the end of a path of the host.
struct HostToolFunction::Found {
  enum class Kind : uint8_t { kNothing, kNotExecutable, kExecutable };
  Kind kind = Kind::kNothing;
  RelPath path;  // kExecutable: below the root of the host, without symlinks
  PathMetadata metadata;
};

Task<Result<exec::HostTool>> HostToolFunction::tool_of(graph::Context& context,
                                                       const exec::Process& process) const {
  KILN_CO_ASSIGN(exec::ToolSearch search, exec::search_for_tool(process));
  KILN_CO_ASSIGN(const graph::ValueRef value, co_await context.get(key(std::move(search))));
  co_return result_of(value);
}

std::string_view HostToolFunction::name() const { return kName; }

std::string HostToolFunction::describe(const graph::Value& input) const {
  return "find the tool " + printable(graph::value_as<exec::ToolSearch>(input).command);
}

graph::Key HostToolFunction::key(exec::ToolSearch search) const {
  KeyEncoder encoder(kName);
  // The variable is part of what is said when nothing is found.
  encoder.add(search.command).add(uint64_t{search.path_variable.has_value()});
  encoder.add(search.path_variable.value_or(""));
  for (const auto& [where, path, host_file] : search.candidates) {
    encoder.add(static_cast<uint64_t>(where)).add(path).add(host_file);
  }
  const Hash128 hash = encoder.hash();
  return {hash, this, graph::make_value(std::move(search))};
}

Task<Result<graph::Computed>> HostToolFunction::compute(graph::Context& context,
                                                        const graph::Value& value) const {
  using Where = exec::ToolSearch::Where;
  const auto& search = graph::value_as<exec::ToolSearch>(value);
  const exec::ToolSearch::Candidate* not_executable = nullptr;
  for (const auto& candidate : search.candidates) {
    if (candidate.where == Where::kInput) {
      co_return graph::Computed{graph::make_value(ToolValue{{candidate.path, std::nullopt}, {}})};
    }
    Found found{.kind = Found::Kind::kNotExecutable, .path = {}, .metadata = {}};
    if (candidate.where == Where::kHost) {
      KILN_CO_ASSIGN(found, co_await look(context, candidate.host_file));
    }
    if (found.kind == Found::Kind::kExecutable) {
      KILN_CO_ASSIGN(const FileDigest content, co_await digest(found.path, found.metadata));
      co_return graph::Computed{graph::make_value(ToolValue{{candidate.path, content}, {}})};
    }
    if (found.kind == Found::Kind::kNotExecutable && not_executable == nullptr) {
      not_executable = &candidate;
    }
  }
  co_return refused(not_executable != nullptr ? exec::ToolSearch::not_executable(*not_executable)
                                              : search.not_found());
}

Task<Result<HostToolFunction::Found>> HostToolFunction::look(graph::Context& context,
                                                             const std::string& host_file) const {
  const auto resolved = co_await resolve_path(context, fs_, host_, RelPath(), host_file);
  if (!resolved.ok()) {
    // Out of reach. What comes of this is not remembered, since a failure was read.
    if (resolved.error().code() != ErrorCode::kPermissionDenied) co_return resolved.error();
    co_return Found{Found::Kind::kNotExecutable, {}, {}};
  }
  switch (resolved->kind) {
    case ResolvedPath::Kind::kDead:
    case ResolvedPath::Kind::kLoop:
    case ResolvedPath::Kind::kOutside:
      co_return Found{};
    case ResolvedPath::Kind::kDirectory:
    case ResolvedPath::Kind::kOther:
      co_return Found{Found::Kind::kNotExecutable, {}, {}};
    case ResolvedPath::Kind::kFile:
      break;
  }
  // Modes and access lists are metadata: a change to them changes what was read above.
  const bool executable = ::access(host_.absolute(resolved->target).c_str(), X_OK) == 0;
  co_return Found{executable ? Found::Kind::kExecutable : Found::Kind::kNotExecutable,
                  resolved->target, resolved->metadata};
}

Task<Result<FileDigest>> HostToolFunction::digest(const RelPath& path,
                                                  const PathMetadata& metadata) const {
  const std::string absolute = host_.absolute(path);
  if (auto known = digests_.known(absolute, identity(metadata))) co_return *known;
  const auto read = [&] { return digests_.digest(absolute); };
  if (metadata.length < kReadElsewhere) co_return read();
  co_return co_await run_blocking(blocking_, home_, read);
}

}  // namespace kiln::intrinsics
