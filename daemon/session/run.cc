#include "daemon/session/run.h"

#include <algorithm>

#include "common/types/run_parts.h"

namespace kiln::session {

namespace {

// What hears of it may end its run, here and now: not under a lock.
void stop_all(std::vector<std::stop_source> stops) {
  for (std::stop_source& stop : stops) stop.request_stop();
}

}  // namespace

Run::Run(Runs& runs, RunId id, intrinsics::WorkspaceRef workspace, CallerOptions options,
         unsigned umask, std::shared_ptr<void> loan)
    : runs_(runs),
      id_(id),
      workspace_(std::move(workspace)),
      options_(std::move(options)),
      umask_(umask),
      loan_(std::move(loan)) {
  if (workspace_ != nullptr) workspace_->begin_use();
}

Run::Run(RunId id, const Run& whole)
    : Run(whole.runs_, id, whole.workspace_, whole.options_, whole.umask_, nullptr) {
  with_whole_.emplace(whole.token(), Cancel{stop_});
}

Run::~Run() {
  if (workspace_ != nullptr) workspace_->end_use();
  runs_.end(this);
}

Run::Away::Away(const Run& run) : run_(run) {
  if (run.workspace_ != nullptr) run.workspace_->end_use();
}
Run::Away::~Away() {
  if (run_.workspace_ != nullptr) run_.workspace_->begin_use();
}

Run::Rest::Rest(const Run& run) : away_(run), run_(run) { run.runs_.rest(run); }
Run::Rest::~Rest() { run_.runs_.wake(run_); }

RunId Run::renewed_id() const { return runs_.new_id(); }

Error shutting_down() {
  return environment_error(ErrorCode::kUnavailable,
                           "the daemon is shutting down; ask again to start a new one");
}

Result<std::shared_ptr<Run>> Runs::begin(intrinsics::WorkspaceRef workspace, CallerOptions options,
                                         unsigned umask, std::shared_ptr<void> loan) {
  MutexLock lock(mutex_);
  if (closed_) return shutting_down();
  auto run = std::make_shared<Run>(*this, nth_run(++last_id_), std::move(workspace),
                                   std::move(options), umask, std::move(loan));
  live_.push_back(run.get());
  return run;
}

std::shared_ptr<Run> Runs::begin_part(const Run& whole) {
  MutexLock lock(mutex_);
  auto run = std::make_shared<Run>(nth_run(++last_id_, whole.id()), whole);
  live_.push_back(run.get());
  return run;
}

RunId Runs::new_id() {
  MutexLock lock(mutex_);
  return nth_run(++last_id_);
}

void Runs::end(Run* run) {
  MutexLock lock(mutex_);
  std::erase(live_, run);
  descriptions_.erase(run);
  close_if_drained();
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
    if (closed_ || draining_to_) stops.push_back(run.stop_);
  }
  stop_all(std::move(stops));
}

void Runs::wake(const Run& run) {
  MutexLock lock(mutex_);
  std::erase(resting_, &run);
}

std::vector<std::stop_source> Runs::resting_stops() const {
  std::vector<std::stop_source> stops;
  for (const Run* run : resting_) stops.push_back(run->stop_);
  return stops;
}

void Runs::close_if_drained() {
  if (!draining_to_) return;
  closed_ = closed_ ||
            std::all_of(live_.begin(), live_.end(), [this](const Run* run) KILN_REQUIRES(mutex_) {
              return number_of(run->id()) > *draining_to_;
            });
}

void Runs::drain() {
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    if (!draining_to_) draining_to_ = last_id_;
    close_if_drained();
    stops = resting_stops();
  }
  stop_all(std::move(stops));
}

bool Runs::ending() const {
  MutexLock lock(mutex_);
  return closed_ || draining_to_.has_value();
}

bool Runs::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

void Runs::close() {
  std::vector<std::stop_source> stops;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    stops = resting_stops();
  }
  stop_all(std::move(stops));
}

void Runs::describe(const Run& run, std::string what) {
  MutexLock lock(mutex_);
  descriptions_[&run] = std::move(what);
}

std::vector<Runs::Described> Runs::oldest(size_t most) const {
  const auto now = std::chrono::steady_clock::now();
  std::vector<Described> described;
  MutexLock lock(mutex_);
  // In the order in which they began.
  for (size_t i = 0; i < std::min(most, live_.size()); ++i) {
    const auto known = descriptions_.find(live_[i]);
    described.push_back(
        {known == descriptions_.end() ? "" : known->second, now - live_[i]->began()});
  }
  return described;
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
