// OutputStream: one client's view of a process's output, live while it can keep up, and completed
// from the store when the process has ended. Every byte is sent exactly once, in order.
#pragma once

#include <string>

#include "daemon/intrinsics/output_hub.h"
#include "daemon/service/write_queue.h"
#include "daemon/store/stores.h"
#include "kiln/v1/processes.pb.h"

namespace kiln::service {

// Threads: started() and output() come from the thread that runs the process; complete() is called
// when it follows no more.
class OutputStream final : public intrinsics::OutputFollower {
 public:
  explicit OutputStream(WriteQueue<v1::ExecuteEvent>& queue) : queue_(queue) {}

  void started(const std::string& sandbox_path) override;
  bool output(exec::ProcessObserver::Stream stream, uint64_t offset,
              std::string_view bytes) override;

  // Sends what was not sent yet. May be called again, of another result, when this one was lost.
  Task<Result<void>> complete(store::BlobStore& blobs, const store::ActionResult& result);

 private:
  Task<Result<void>> complete(store::BlobStore& blobs, exec::ProcessObserver::Stream stream,
                              FileDigest digest);
  static v1::ExecuteEvent event(exec::ProcessObserver::Stream stream, std::string bytes);

  WriteQueue<v1::ExecuteEvent>& queue_;
  uint64_t sent_[2] = {0, 0};  // bytes of stdout and of stderr
};

}  // namespace kiln::service
