#include "daemon/intrinsics/files/config_function.h"

#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.config/1";

Error unusable(const Workspace& workspace, std::string_view why) {
  return user_error(ErrorCode::kInvalidArgument,
                    workspace.absolute(RelPath::from_normalized(std::string(kConfigFile))) + " " +
                        std::string(why));
}

// Excluding it, which the message of a file that cannot be read offers, would not help here.
Error not_read(const Workspace& workspace, const Error& error) {
  if (error.code() != ErrorCode::kPermissionDenied) return error;
  return user_error(error.code(),
                    workspace.absolute(RelPath::from_normalized(std::string(kConfigFile))) +
                        " may not be read by the user of the daemon; make it readable");
}

// The path of the file that stands there, symlinks followed; nothing if there is none. `link` is
// the target of kiln.toml itself, if that is a symlink.
Result<std::optional<RelPath>> place_of(const Workspace& workspace, const ResolvedPath& resolved,
                                        const std::optional<std::string>& link) {
  switch (resolved.kind) {
    case ResolvedPath::Kind::kFile:
      if (resolved.metadata.length > kMostConfigBytes) {
        return unusable(workspace, "is larger than a mebibyte; it holds options and nothing else");
      }
      return std::optional(resolved.target);
    case ResolvedPath::Kind::kDead:
      if (!link) return std::optional<RelPath>();
      return unusable(workspace, "is a symlink to " + printable(*link) +
                                     ", where no file is; make that file, or remove the link to go "
                                     "on with the defaults");
    case ResolvedPath::Kind::kDirectory:
      return unusable(workspace, "is a directory; it has to be a file that holds options");
    case ResolvedPath::Kind::kOther:
      return unusable(workspace,
                      "is a device, a socket or a pipe; it has to be a file that holds "
                      "options");
    case ResolvedPath::Kind::kOutside:
      return unusable(workspace,
                      "is a symlink that leads out of the workspace, where no change would be "
                      "noticed; put the file itself there");
    case ResolvedPath::Kind::kLoop:
      return unusable(workspace, "is a symlink that leads in circles");
  }
  return std::optional<RelPath>();
}

}  // namespace

size_t footprint(const ConfigSettings& config) {
  size_t bytes = 0;
  for (const rules::OptionSetting& setting : config.settings) {
    bytes += sizeof setting + setting.scope.capacity() + setting.name.capacity() +
             setting.value.capacity() + setting.origin.capacity();
  }
  return bytes;
}

std::string_view ConfigFunction::name() const { return kName; }

std::string ConfigFunction::describe(const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  return "read the options in " + workspace->describe(path);
}

graph::Key ConfigFunction::key(const Workspace& workspace) const {
  return {
      KeyEncoder(kName).add(workspace.root()).hash(), this,
      graph::make_value(PathInput{&workspace, RelPath::from_normalized(std::string(kConfigFile))})};
}

Task<Result<graph::Computed>> ConfigFunction::compute(graph::Context& context,
                                                      const graph::Value& input) const {
  const auto& [workspace, path] = graph::value_as<PathInput>(input);
  KILN_CO_ASSIGN(const ResolvedPath resolved,
                 co_await resolve_path(context, fs_, *workspace, RelPath(), path.str()));
  KILN_CO_ASSIGN(const graph::ValueRef own, co_await context.get(fs_.metadata(*workspace, path)));
  std::optional<std::string> link;
  if (const auto& metadata = graph::value_as<MetadataState>(own).metadata;
      metadata && metadata->kind == os::FileKind::kSymlink) {
    link = metadata->target;
  }
  KILN_CO_ASSIGN(const std::optional<RelPath> place, place_of(*workspace, resolved, link));
  ConfigSettings config;
  if (place) {
    const Result<graph::ValueRef> state = co_await context.get(fs_.file(*workspace, *place));
    if (!state.ok()) co_return not_read(*workspace, state.error());
    if (const auto& file = graph::value_as<FileState>(*state).file) {
      KILN_CO_ASSIGN(const std::string text, co_await fs_.content(context, file->digest));
      KILN_CO_ASSIGN(config.settings, parse_config(text));
    }
  }
  co_return graph::Computed{graph::make_value(std::move(config))};
}

}  // namespace kiln::intrinsics
