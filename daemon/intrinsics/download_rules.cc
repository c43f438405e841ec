#include "daemon/intrinsics/download_rules.h"

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

namespace {

rules::Rule<Snapshot, rules::Gets<DirectoryDigest(DownloadFile), Snapshot(DirectoryDigest)>>
snapshot_of_download(const DownloadFile& request) {
  const DirectoryDigest& digest = co_await rules::get<DirectoryDigest>(request);
  co_return co_await rules::get<Snapshot>(digest);
}

}  // namespace

rules::RuleSet download_rules(const RuleServices& services) {
  rules::RuleSet set;
  set.intrinsic<DirectoryDigest(DownloadFile)>(
      "download_file",
      [&services](graph::Context& context,
                  const DownloadFile& request) -> Task<Result<DirectoryDigest>> {
        KILN_CO_ASSIGN(const fetch::Url url, fetch::Url::parse(request.url));
        KILN_CO_TRY(co_await context.get(services.router->losses(context)));
        KILN_CO_TRY(co_await services.downloads->download(url, request.expected_digest,
                                                          context.stop_token()));
        const store::File file{request.expected_digest, false};
        co_return DirectoryDigest(store::Tree::make({store::Entry{url.file_name(), file}}));
      });
  set.add<&snapshot_of_download>();
  set.query<DirectoryDigest(DownloadFile)>();
  set.query<Snapshot(DownloadFile)>();
  return set;
}

}  // namespace kiln::intrinsics
