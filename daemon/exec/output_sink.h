// OutputSink: takes one output stream of a process to whoever watches it and into the store.
//
// What:    short output is kept in memory; from store::kLargeContent on it goes through a
//          BlobWriter, so that memory is bounded whatever a process writes.
// Threads: single-owner.
// Fails:   when the store cannot take more (a full disk).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/exec/runner.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

class OutputSink {
 public:
  // `observer` may be null.
  OutputSink(store::BlobStore& blobs, ProcessObserver* observer, ProcessObserver::Stream stream)
      : blobs_(blobs), observer_(observer), stream_(stream) {}

  Result<void> append(std::string_view bytes);
  // Once, at the end.
  Result<FileDigest> finish();

 private:
  store::BlobStore& blobs_;
  ProcessObserver* const observer_;
  const ProcessObserver::Stream stream_;
  std::string head_;                           // all of it, while there is no writer
  std::unique_ptr<store::BlobWriter> writer_;  // null while the output is short
};

}  // namespace kiln::exec
