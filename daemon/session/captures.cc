#include "daemon/session/captures.h"

#include <algorithm>

#include "daemon/intrinsics/tree_values.h"
#include "daemon/session/queries.h"

namespace kiln::session {

void tell_warnings(const Engine& engine, const Run& run, std::span<const std::string> warnings) {
  for (const std::string& warning : warnings) {
    engine.events.message(run.id(), SpanId(), trace::Level::kWarn, warning);
  }
}

Task<Result<Captured>> capture(const Engine& engine, const Run& run, PathGlobs globs) {
  KILN_CO_ASSIGN(const auto asked,
                 co_await ask<intrinsics::CapturedTree>(engine, run, std::move(globs)));
  tell_warnings(engine, run, asked.value->warnings);
  co_return Captured{asked.value->digest.tree, asked.value->warnings, asked.clock};
}

Task<Result<Paths>> list_paths(const Engine& engine, const Run& run, PathGlobs globs) {
  KILN_CO_ASSIGN(const auto asked, co_await ask<intrinsics::Paths>(engine, run, std::move(globs)));
  tell_warnings(engine, run, asked.value->warnings);
  Paths listed{{}, asked.value->warnings, asked.clock};
  for (const std::string& file : asked.value->files) listed.paths.push_back({file, false});
  const auto middle = static_cast<ptrdiff_t>(listed.paths.size());
  for (const std::string& directory : asked.value->dirs) listed.paths.push_back({directory, true});
  std::inplace_merge(listed.paths.begin(), listed.paths.begin() + middle, listed.paths.end(),
                     [](const Paths::Path& a, const Paths::Path& b) {
                       return intrinsics::walks_before(a.path, b.path);
                     });
  co_return listed;
}

}  // namespace kiln::session
