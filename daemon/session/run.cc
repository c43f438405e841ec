#include "daemon/session/run.h"

#include <algorithm>

namespace kiln::session {

namespace {

// What hears of it may end its run, here and now: not under a lock.
void stop_all(std::vector<std::stop_source> stops) {
  for (std::stop_source& stop : stops) stop.request_stop();
}

}  // namespace

Run::Run(Runs& runs, RunId id, const intrinsics::Workspace* workspace, CallerOptions options)
    : runs_(runs), id_(id), workspace_(workspace), options_(std::move(options)) {}

Run::~Run() { runs_.end(this); }

Run::Rest::Rest(const Run& run) : run_(run) { run.runs_.rest(run); }
Run::Rest::~Rest() { run_.runs_.wake(run_); }

RunId Run::renewed_id() const { return runs_.new_id(); }

Error shutting_down() {
  return environment_error(ErrorCode::kUnavailable,
                           "the daemon is shutting down; ask again to start a new one");
}

Result<std::shared_ptr<Run>> Runs::begin(const intrinsics::Workspace* workspace,
                                         CallerOptions options) {
  MutexLock lock(mutex_);
  if (closed_) return shutting_down();
  auto run = std::make_shared<Run>(*this, RunId{++last_id_}, workspace, std::move(options));
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

void Runs::rest(const Run& run) {
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    resting_.push_back(&run);
    if (closed_) stops.push_back(run.stop_);
  }
  stop_all(std::move(stops));
}

void Runs::wake(const Run& run) {
  MutexLock lock(mutex_);
  std::erase(resting_, &run);
}

void Runs::close() {
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    for (const Run* run : resting_) stops.push_back(run->stop_);
  }
  stop_all(std::move(stops));
}

void Runs::cancel_all() {
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    for (const Run* run : live_) stops.push_back(run->stop_);
  }
  stop_all(std::move(stops));
}

void Runs::wait_until_idle() {
  MutexLock lock(mutex_);
  idle_.wait(mutex_, [this]() KILN_REQUIRES(mutex_) { return live_.empty(); });
}

}  // namespace kiln::session
