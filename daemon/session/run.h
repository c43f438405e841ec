// Run: one request of one client, from its first byte to its last. Runs: those in flight.
//
// Threads: thread-safe.
// Cancels: Run::cancel() fires its stop token; what nobody else waits for stops.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
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

// What a caller said of options.
struct CallerOptions {
  std::vector<rules::OptionSetting> settings;
  std::map<std::string, std::string> variables;  // KILN_SCOPE_NAME
};

class Run {
 public:
  Run(Runs& runs, RunId id, const intrinsics::Workspace* workspace, CallerOptions options);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunId id() const { return id_; }
  std::chrono::steady_clock::time_point began() const { return began_; }
  // For another look on behalf of the same request: newer than every run so far.
  RunId renewed_id() const;
  // Null for requests that need none.
  const intrinsics::Workspace* workspace() const { return workspace_; }
  const CallerOptions& options() const { return options_; }
  std::stop_token token() const { return stop_.get_token(); }
  void cancel() { stop_.request_stop(); }

  // Held while the run waits for something outside to happen, a change of a file say. Runs that
  // close do not wait for that: they cancel it.
  class Rest {
   public:
    explicit Rest(const Run& run);
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

   private:
    const Run& run_;
  };

 private:
  friend class Runs;
  Runs& runs_;
  const RunId id_;
  const intrinsics::Workspace* const workspace_;
  const CallerOptions options_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
};

// What a request is told that comes too late.
Error shutting_down();

class Runs {
 public:
  // shutting_down() once close() was called.
  Result<std::shared_ptr<Run>> begin(const intrinsics::Workspace* workspace,
                                     CallerOptions options = {});

  size_t in_flight() const;
  // How long nothing has been in flight; zero while something is.
  std::chrono::steady_clock::duration idle() const;
  // No new runs from here on; those that rest are cancelled.
  void close();
  void cancel_all();
  // Blocks until nothing is in flight. After close().
  void wait_until_idle();

 private:
  friend class Run;
  void end(Run* run);
  void rest(const Run& run);
  void wake(const Run& run);
  RunId new_id();

  mutable Mutex mutex_;
  CondVar idle_;
  std::vector<Run*> live_ KILN_GUARDED_BY(mutex_);
  std::vector<const Run*> resting_ KILN_GUARDED_BY(mutex_);
  uint64_t last_id_ KILN_GUARDED_BY(mutex_) = 0;
  bool closed_ KILN_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point idle_since_ KILN_GUARDED_BY(mutex_) =
      std::chrono::steady_clock::now();
};

}  // namespace kiln::session
