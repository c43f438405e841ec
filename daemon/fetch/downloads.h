// Downloads: files from elsewhere, into the store, once.
//
// What:    content that the store holds is not asked for; all other is received into the store, no
//          further than its size, and stays there only if it is what was expected.
// Threads: thread-safe. Transfers block threads of an executor of their own, so that a slow server
//          holds up nothing but other downloads.
// Cancels: when `stop` fires the transfer is aborted and nothing of it stays.
#pragma once

#include <stop_token>

#include "common/types/digest.h"
#include "daemon/async/executor.h"
#include "daemon/async/task.h"
#include "daemon/fetch/fetcher.h"
#include "daemon/store/stores.h"
#include "daemon/trace/counters.h"

namespace kiln::fetch {

class Downloads {
 public:
  // All outlive this, and `home` outlives `transfers`. A thread of `transfers` is busy for as long
  // as its transfer lasts.
  Downloads(Fetcher& fetcher, store::BlobStore& blobs, Executor& transfers, Executor& home,
            Counters& counters);

  // The store holds `expected` afterwards. Resumes on the home executor.
  // Fails: as Fetcher; kConflict if the file is another, with both digests.
  Task<Result<void>> download(Url url, FileDigest expected, std::stop_token stop);

 private:
  Fetcher& fetcher_;
  store::BlobStore& blobs_;
  Executor& transfers_;
  Executor& home_;
  Counter& found_;
  Counter& downloaded_;
};

}  // namespace kiln::fetch
