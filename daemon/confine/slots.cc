#include "daemon/confine/slots.h"

#include <pthread.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "daemon/confine/slot_state.h"
#include "daemon/os/directory.h"

namespace kiln::confine {
namespace {

using Owned = std::unique_ptr<SlotState>;

// For processes that were killed to end.
constexpr std::chrono::seconds kPatience{2};

// The slots that wait to be used, by view.
class Ready {
 public:
  Owned pop(const View& view, const HostState& now) {
    last_used_[view] = ++clock_;
    auto& slots = slots_[view];
    Owned found;
    while (!slots.empty() && found == nullptr) {
      found = std::move(slots.back());
      slots.pop_back();
      if (found->made_in() == now) break;
      outdated_.push_back(std::move(found));
    }
    return found;
  }
  void push(Owned slot) { slots_[slot->view()].push_back(std::move(slot)); }
  size_t count(const View& view) const {
    const auto found = slots_.find(view);
    return found == slots_.end() ? 0 : found->second.size();
  }

  // Takes out what is outdated, and of the views used longest ago as much as is above `limit`.
  std::vector<Owned> take_surplus(size_t limit) {
    std::vector<Owned> surplus = std::exchange(outdated_, {});
    while (total() > limit) {
      auto oldest = slots_.end();
      for (auto it = slots_.begin(); it != slots_.end(); ++it) {
        if (it->second.empty()) continue;
        if (oldest == slots_.end() || last_used_[it->first] < last_used_[oldest->first])
          oldest = it;
      }
      surplus.push_back(std::move(oldest->second.back()));
      oldest->second.pop_back();
      if (oldest->second.empty()) {
        last_used_.erase(oldest->first);
        slots_.erase(oldest);
      }
    }
    return surplus;
  }

 private:
  size_t total() const {
    size_t total = 0;
    for (const auto& [view, slots] : slots_) total += slots.size();
    return total;
  }

  uint64_t clock_ = 0;
  std::map<View, uint64_t> last_used_;
  std::map<View, std::vector<Owned>> slots_;
  std::vector<Owned> outdated_;
};

}  // namespace

struct Slots::Impl {
  Impl(std::unique_ptr<Holder> the_holder, size_t ready_slots, Log& sink)
      : holder(std::move(the_holder)), wanted(ready_slots), log(sink) {}

  Result<Owned> make(const View& view);
  void give_back(Owned slot);
  void discard(Owned slot);
  void take_back(Owned slot);
  void forget_use(const View& view) KILN_REQUIRES(mutex);
  void work_until_closed();
  void stock();

  const std::unique_ptr<Holder> holder;
  const size_t wanted;
  Log& log;

  Mutex mutex;
  CondVar changed;
  bool closed KILN_GUARDED_BY(mutex) = false;
  bool stocked KILN_GUARDED_BY(mutex) = false;
  View current KILN_GUARDED_BY(mutex);
  Ready ready KILN_GUARDED_BY(mutex);
  std::map<View, size_t> used KILN_GUARDED_BY(mutex);  // slots that are coming back
  std::deque<Owned> returned KILN_GUARDED_BY(mutex);

  std::thread worker;
};

Result<Owned> Slots::Impl::make(const View& view) {
  HostState state = host_state(view);  // before: what changes meanwhile outdates the slot
  KILN_ASSIGN(NewSlot made, holder->make_slot(view));
  KILN_ASSIGN(SlotState slot,
              SlotState::open(std::move(made), view, std::move(state), holder->root_fd()));
  return std::make_unique<SlotState>(std::move(slot));
}

void Slots::Impl::discard(Owned slot) {
  const auto ended = slot->end(std::chrono::steady_clock::now() + kPatience);
  if (ended.ok() && !*ended) {
    log.warn("processes in a strict sandbox were killed and do not end; it is not used again");
    return;  // they die with the holder, as its files do
  }
  const Result<void> gone =
      ended.ok() ? os::remove_tree(holder->root_fd(), slot->name().c_str()) : ended.error();
  if (!gone.ok()) log.warn("cannot remove a strict sandbox: " + gone.error().to_string());
}

void Slots::Impl::give_back(Owned slot) {
  MutexLock lock(mutex);
  returned.push_back(std::move(slot));
  changed.notify_one();
}

// Makes slots of the current view until there are as many as wanted.
void Slots::Impl::stock() {
  for (;;) {
    View view;
    {
      MutexLock lock(mutex);
      const auto in_use = used.find(current);
      const size_t coming_back = in_use == used.end() ? 0 : in_use->second;
      if (closed || !returned.empty() || ready.count(current) + coming_back >= wanted) {
        stocked = returned.empty();
        return;
      }
      view = current;
    }
    auto slot = make(view);
    MutexLock lock(mutex);
    if (!slot.ok()) {
      // Whoever needs one makes it, and hears why it cannot be made.
      stocked = true;
      return;
    }
    ready.push(*std::move(slot));
  }
}

void Slots::Impl::take_back(Owned slot) {
  const View view = slot->view();
  const bool clean = slot->empty();
  if (!clean) discard(std::move(slot));
  MutexLock lock(mutex);
  forget_use(view);
  if (clean) {
    ready.push(std::move(slot));
  } else {
    stocked = false;
  }
}

void Slots::Impl::forget_use(const View& view) {
  const auto found = used.find(view);
  if (--found->second == 0) used.erase(found);
}

void Slots::Impl::work_until_closed() {
  ::pthread_setname_np(::pthread_self(), "kiln-slots");
  ::setpriority(PRIO_PROCESS, 0, 10);  // on Linux: of this thread
  for (;;) {
    Owned slot;
    std::vector<Owned> surplus;
    {
      MutexLock lock(mutex);
      changed.wait(mutex,
                   [&]() KILN_REQUIRES(mutex) { return closed || !returned.empty() || !stocked; });
      surplus = ready.take_surplus(2 * wanted);
      if (!returned.empty()) {
        slot = std::move(returned.front());
        returned.pop_front();
      } else if (closed) {
        return;
      }
    }
    for (Owned& one : surplus) discard(std::move(one));
    if (slot == nullptr) {
      stock();
    } else {
      take_back(std::move(slot));
    }
  }
}

Slots::Slots(std::unique_ptr<Holder> holder, size_t ready, Log& log)
    : impl_(std::make_unique<Impl>(std::move(holder), ready, log)) {
  impl_->worker = std::thread([impl = impl_.get()] { impl->work_until_closed(); });
}

Slots::~Slots() {
  {
    MutexLock lock(impl_->mutex);
    impl_->closed = true;
    impl_->changed.notify_one();
  }
  impl_->worker.join();
  // Before the holder: it reaps their first processes. Their files end with it.
  std::vector<Owned> all;
  {
    MutexLock lock(impl_->mutex);
    all = impl_->ready.take_surplus(0);
  }
  const Deadline patience = std::chrono::steady_clock::now() + kPatience;
  for (const Owned& slot : all) (void)slot->end(patience);
}

Result<Slot> Slots::take(const View& view) {
  KILN_TRY(check(view));
  const HostState now = host_state(view);
  Owned found;
  {
    MutexLock lock(impl_->mutex);
    impl_->current = view;
    found = impl_->ready.pop(view, now);
    const size_t in_use = ++impl_->used[view];
    if (impl_->ready.count(view) + in_use < impl_->wanted) {
      impl_->stocked = false;
      impl_->changed.notify_one();
    }
  }
  if (found != nullptr) return Slot(*this, std::move(found));
  auto made = impl_->make(view);
  if (made.ok()) return Slot(*this, *std::move(made));
  MutexLock lock(impl_->mutex);
  impl_->forget_use(view);
  return made.error();
}

Support Slots::probe() {
  Support support;
  MissingPart missing;
  const View view;
  auto made = impl_->holder->make_slot(view, &missing);
  if (!made.ok()) {
    if (missing.part.empty()) missing = explain(Part::kNamespaces, made.error().to_string());
    support.missing.push_back(std::move(missing));
    return support;
  }
  auto slot = SlotState::open(*std::move(made), view, host_state(view), impl_->holder->root_fd());
  auto entered = slot.ok() ? signal_all_in(slot->namespaces(), SIGCONT) : slot.error();
  if (!entered.ok()) {
    support.missing.push_back(explain(Part::kEntry, entered.error().to_string()));
    return support;
  }
  {
    MutexLock lock(impl_->mutex);
    ++impl_->used[view];
  }
  impl_->give_back(std::make_unique<SlotState>(*std::move(slot)));
  return support;
}

Slot::Slot(Slots& slots, std::unique_ptr<SlotState> state)
    : slots_(&slots), state_(std::move(state)) {}

Slot::Slot(Slot&&) noexcept = default;

Slot::~Slot() {
  if (state_ == nullptr) return;
  (void)settle(std::chrono::steady_clock::now());
  slots_->impl_->give_back(std::move(state_));
}

int Slot::sandbox_fd() const { return state_->sandbox_fd(); }

Result<os::Child> Slot::start(const Command& command) {
  KILN_ASSIGN(Entered entered, start_in(state_->namespaces(), command));
  if (entered.occupied) {
    return internal_error("a strict sandbox was handed out while a process was alive in it");
  }
  return std::move(entered.child);
}

Result<void> Slot::signal_all(int signal) { return signal_all_in(state_->namespaces(), signal); }

Result<os::Killed> Slot::settle(Deadline deadline) {
  const auto processes = state_->count_processes();
  if (processes.ok() && *processes == 0 && !state_->has_connections()) return os::Killed{};
  KILN_ASSIGN(const bool complete, state_->end(deadline));
  return os::Killed{.count = processes.ok() ? *processes : 0, .complete = complete};
}

void Slot::kill() { (void)state_->kill(); }

}  // namespace kiln::confine
