// Holder: the daemon's side of the holder process (holder_process.h).
//
// Owns:    the process. It ends, and with it all slots and everything in them, when this object is
//          destroyed or the daemon dies, however that happens.
// Threads: thread-safe. Blocking: some milliseconds.
// Fails:   where the machine does not allow a part, and after the holder was killed.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/base/unique_fd.h"
#include "daemon/confine/support.h"
#include "daemon/confine/view.h"

namespace kiln::confine {

// A slot as the holder made it.
struct NewSlot {
  uint32_t number = 0;
  pid_t init = -1;  // its first process
  UniqueFd init_pidfd;
};

class Holder {
 public:
  // Forks: best while this process is small and has one thread. `bytes` bounds the files of all
  // slots together. A machine that does not allow it is no error but the other alternative.
  static Result<std::variant<std::unique_ptr<Holder>, Support>> start(uint64_t bytes);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // The directories of slot N are "N/sandbox", "N/tmp" and "N/shm" below this directory.
  int root_fd() const { return root_.get(); }
  // A missing part is described by `missing`, if it is not null.
  Result<NewSlot> make_slot(const View& view, MissingPart* missing = nullptr);

 private:
  Holder(pid_t pid, UniqueFd socket, UniqueFd root);

  const pid_t pid_;
  const UniqueFd root_;
  std::atomic<uint32_t> next_ = 1;
  Mutex mutex_;  // one request at a time
  UniqueFd socket_ KILN_GUARDED_BY(mutex_);
};

}  // namespace kiln::confine
