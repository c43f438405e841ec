// Watcher: what changed in the directories that were read, and the freshness barrier.
//
// Model:   inotify on directories, one watch each, placed lazily before the directory is read.
//          inotify queues an event inside the system call that causes it, so emptying the queue
//          at the start of a request shows every write that finished before (the proof and what
//          escapes it: README.md).
// Threads: thread-safe. synchronize() is serialised: when it returns, the sink has been told of
//          everything that was queued when it was called, by this call or by another.
// Mounts:  inotify does not tell of them. The barrier asks /proc/self/mountinfo, and a mount or an
//          unmount is a change of the entry at the mount point.
// Owns:    the inotify instance and the table of watched directories. A loop thread calls
//          synchronize() whenever events arrive while nobody asks, so that the queue stays short,
//          and gives back the watches of what was forgotten.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/types/ids.h"

namespace kiln::watch {

struct Change {
  enum class Kind : uint8_t {
    kEntry,      // `name` in `directory` appeared, vanished or became another file
    kContent,    // `name` in `directory` has other bytes or other metadata; with an empty name,
                 // the directory itself has another mode or owner
    kDirectory,  // `directory` itself was replaced, moved or deleted: its watch is gone, and
                 // nothing that was read in it or below it holds
    kOverflow,   // the queue overflowed: anything may have changed. `directory` is empty. Watches
                 // stay: call watch() again for each directory (another id: it was replaced) and
                 // stat what was read there
  };
  Kind kind = Kind::kEntry;
  std::string directory;  // absolute, as given to watch()
  std::string name;
};

// Is told of changes, in order, inside synchronize(). Must not call back into the watcher.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual void changed(std::span<const Change> changes) = 0;
  // How much of what was read was forgotten so far. While it stays the same, needs() is not asked.
  virtual uint64_t forgotten() const { return 0; }
  // Whether anything that was read in `directory` is remembered. If not, its watch is given back.
  // Called inside tidy(), with the same rule.
  virtual bool needs(const std::string& /*directory*/) const { return true; }
};

// The state of one directory's watch.
struct Watch {
  // Another value whenever the watch was placed anew: what was read under another id is void.
  uint64_t id = 0;
  // False where the watch limit was reached, the file system has no events, or the directory may
  // be searched and not read: whoever looks here must look again at each request.
  bool active = false;
  friend bool operator==(const Watch&, const Watch&) = default;
};

struct WatchStats {
  uint64_t watched = 0;
  uint64_t unwatched = 0;  // directories that wanted a watch and got none
  uint64_t events = 0;
  uint64_t overflows = 0;
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Places a watch on a directory, or returns the one in place. Call it before reading there.
  // Fails when the directory is absent, out of reach or no directory.
  virtual Result<Watch> watch(const std::string& absolute_directory) = 0;
  // The barrier. The tick grows whenever the sink was told something.
  virtual ClockTick synchronize() = 0;
  virtual WatchStats stats() const = 0;
};

// `sink` and `log` outlive it. `max_watches` caps the watches placed (0: the kernel's limit).
Result<std::unique_ptr<Watcher>> make_inotify_watcher(ChangeSink& sink, Log& log,
                                                      uint64_t max_watches = 0);

}  // namespace kiln::watch
