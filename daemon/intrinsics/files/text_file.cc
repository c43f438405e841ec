#include "daemon/intrinsics/files/text_file.h"

#include "daemon/intrinsics/files/path_resolver.h"

namespace kiln::intrinsics {

namespace {

constexpr int64_t kMostBytes = int64_t{16} << 20;

// What may not be read counts as absent, as for git. The failure itself is not remembered.
template <class T>
bool out_of_reach(const Result<T>& result) {
  return !result.ok() && result.error().code() == ErrorCode::kPermissionDenied;
}

}  // namespace

Task<Result<std::optional<TextFile>>> read_text_file(graph::Context& context, const FsFunctions& fs,
                                                     const Workspace& workspace, RelPath from,
                                                     std::string_view path) {
  const auto resolved = co_await resolve_path(context, fs, workspace, std::move(from), path);
  if (out_of_reach(resolved)) co_return std::optional<TextFile>();
  if (!resolved.ok()) co_return resolved.error();
  if (resolved->kind != ResolvedPath::Kind::kFile || resolved->metadata.length > kMostBytes) {
    co_return std::optional<TextFile>();
  }
  const auto state = co_await context.get(fs.file(workspace, resolved->target));
  if (out_of_reach(state)) co_return std::optional<TextFile>();
  if (!state.ok()) co_return state.error();
  const auto& file = graph::value_as<FileState>(*state).file;
  if (!file) co_return std::optional<TextFile>();
  KILN_CO_ASSIGN(std::string text, co_await fs.content(context, file->digest));
  co_return std::optional(TextFile{resolved->target, std::move(text)});
}

}  // namespace kiln::intrinsics
