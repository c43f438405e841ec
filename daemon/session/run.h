// Run: one request of one client, from its first byte to its last. Runs: those in flight.
//
// Threads: thread-safe.
// Cancels: Run::cancel() fires its stop token; what nobody else waits for stops.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/types/ids.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/rules/options.h"

namespace kiln::session {

class Runs;

// Of callers that do not tell theirs.
inline constexpr unsigned kDefaultUmask = 022;

// What a caller said of options.
struct CallerOptions {
  std::vector<rules::OptionSetting> settings;
  std::map<std::string, std::string> variables;  // KILN_SCOPE_NAME
};

class Run {
 public:
  Run(Runs& runs, RunId id, intrinsics::WorkspaceRef workspace, CallerOptions options,
      unsigned umask, std::shared_ptr<void> loan);
  // A part of `whole`, cancelled with it.
  Run(RunId id, const Run& whole);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunId id() const { return id_; }
  std::chrono::steady_clock::time_point began() const { return began_; }
  // For another look on behalf of the same request: newer than every run so far.
  RunId renewed_id() const;
  // Null for requests that need none.
  const intrinsics::Workspace* workspace() const { return workspace_.get(); }
  const CallerOptions& options() const { return options_; }
  // Permission bits that files which are made for the caller do not get.
  unsigned umask() const { return umask_; }
  std::stop_token token() const { return stop_.get_token(); }
  void cancel() { stop_.request_stop(); }

  // Held while the run does not use its workspace, so that this can be unmounted.
  class Away {
   public:
    explicit Away(const Run& run);
    ~Away();
    Away(const Away&) = delete;
    Away& operator=(const Away&) = delete;

   private:
    const Run& run_;
  };
  // Held while the run waits for something outside to happen, a change of a file say. Runs that
  // close do not wait for that: they cancel it.
  class Rest {
   public:
    explicit Rest(const Run& run);
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

   private:
    const Away away_;
    const Run& run_;
  };

 private:
  friend class Runs;
  Runs& runs_;
  const RunId id_;
  const intrinsics::WorkspaceRef workspace_;
  const CallerOptions options_;
  const unsigned umask_;
  const std::shared_ptr<void> loan_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
  struct Cancel {
    std::stop_source stop;
    void operator()() { stop.request_stop(); }
  };
  std::optional<std::stop_callback<Cancel>> with_whole_;  // of a part
};

// What a request is told that comes too late.
Error shutting_down();

class Runs {
 public:
  // shutting_down() once close() was called. `loan` is released when the run ends: the slot of the
  // process that made the request, if it is one of kiln's own.
  Result<std::shared_ptr<Run>> begin(intrinsics::WorkspaceRef workspace, CallerOptions options = {},
                                     unsigned umask = kDefaultUmask,
                                     std::shared_ptr<void> loan = nullptr);

  // A run of its own within `whole`, which is in flight: it sees files as they are when it begins,
  // and is cancelled with the whole.
  std::shared_ptr<Run> begin_part(const Run& whole);

  size_t in_flight() const;
  // What a run does, for people: "exec make all".
  void describe(const Run& run, std::string what);
  struct Described {
    std::string what;  // empty: nobody said
    std::chrono::steady_clock::duration since;
  };
  // The oldest runs in flight.
  std::vector<Described> oldest(size_t most) const;
  // How long nothing has been in flight; zero while something is.
  std::chrono::steady_clock::duration idle() const;
  // A gentle end. Runs begin as before, until those that are in flight now have ended; then nothing
  // new begins. So a request that comes from the work that is waited for does not wait for it.
  // Those that rest are cancelled.
  void drain();
  // drain() or close() was called.
  bool ending() const;
  // Nothing new begins.
  bool closed() const;
  // No new runs from here on; those that rest are cancelled.
  void close();
  void cancel_all();
  // Blocks until nothing is in flight. After close().
  void wait_until_idle();

 private:
  friend class Run;
  void end(Run* run);
  std::vector<std::stop_source> resting_stops() const KILN_REQUIRES(mutex_);
  void close_if_drained() KILN_REQUIRES(mutex_);
  void rest(const Run& run);
  void wake(const Run& run);
  RunId new_id();

  mutable Mutex mutex_;
  CondVar idle_;
  std::vector<Run*> live_ KILN_GUARDED_BY(mutex_);
  std::vector<const Run*> resting_ KILN_GUARDED_BY(mutex_);
  std::map<const Run*, std::string> descriptions_ KILN_GUARDED_BY(mutex_);
  uint64_t last_id_ KILN_GUARDED_BY(mutex_) = 0;
  // Set by drain(): runs up to this one are waited for before nothing new begins.
  std::optional<uint64_t> draining_to_ KILN_GUARDED_BY(mutex_);
  bool closed_ KILN_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point idle_since_ KILN_GUARDED_BY(mutex_) =
      std::chrono::steady_clock::now();
};

}  // namespace kiln::session
