#include "daemon/session/run.h"

#include <algorithm>

namespace kiln::session {

Run::Run(Runs& runs, RunId id, const intrinsics::Workspace* workspace, std::string ignore)
    : runs_(runs), id_(id), workspace_(workspace), ignore_(std::move(ignore)) {}

Run::~Run() { runs_.end(this); }

RunId Run::renewed_id() const { return runs_.new_id(); }

Error shutting_down() {
  return environment_error(ErrorCode::kUnavailable,
                           "the daemon is shutting down; ask again to start a new one");
}

Result<std::shared_ptr<Run>> Runs::begin(const intrinsics::Workspace* workspace,
                                         std::string ignore) {
  MutexLock lock(mutex_);
  if (closed_) return shutting_down();
  auto run = std::make_shared<Run>(*this, RunId{++last_id_}, workspace, std::move(ignore));
  live_.push_back(run.get());
  return run;
}

RunId Runs::new_id() {
  MutexLock lock(mutex_);
  return RunId{++last_id_};
}

void Runs::end(Run* run) {
  MutexLock lock(mutex_);
  std::erase(live_, run);
  if (live_.empty()) {
    idle_since_ = std::chrono::steady_clock::now();
    idle_.notify_all();
  }
}

size_t Runs::in_flight() const {
  MutexLock lock(mutex_);
  return live_.size();
}

std::chrono::steady_clock::duration Runs::idle() const {
  MutexLock lock(mutex_);
  if (!live_.empty()) return {};
  return std::chrono::steady_clock::now() - idle_since_;
}

void Runs::close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

void Runs::cancel_all() {
  // What hears of it may end its run, here and now: not under the lock.
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    for (const Run* run : live_) stops.push_back(run->stop_);
  }
  for (std::stop_source& stop : stops) stop.request_stop();
}

void Runs::wait_until_idle() {
  MutexLock lock(mutex_);
  idle_.wait(mutex_, [this]() KILN_REQUIRES(mutex_) { return live_.empty(); });
}

}  // namespace kiln::session
