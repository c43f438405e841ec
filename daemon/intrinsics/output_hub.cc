#include "daemon/intrinsics/output_hub.h"

#include <algorithm>

namespace kiln::intrinsics {

class OutputHub::Broadcast final : public exec::ProcessObserver {
 public:
  Broadcast(OutputHub& hub, const Hash128& key) : hub_(hub), key_(key) {}

  void started(const std::string& sandbox_path) override {
    each([&](Member& member) { member.follower->started(sandbox_path); });
  }

  void output(Stream stream, std::string_view bytes) override {
    const auto i = static_cast<size_t>(stream);
    each([&](Member& member) {
      if (member.takes[i]) member.takes[i] = member.follower->output(stream, offset_[i], bytes);
    });
    offset_[i] += bytes.size();
  }

 private:
  // Under the hub's lock, so that a follower that left is never called.
  template <class F>
  void each(F&& f) {
    hub_.members_.with([&](Members& all) {
      const auto it = all.find(key_);
      if (it == all.end()) return;
      for (Member& member : it->second) {
        if (member.follower != nullptr) f(member);
      }
    });
  }

  OutputHub& hub_;
  const Hash128 key_;
  uint64_t offset_[2] = {0, 0};
};

OutputHub::Handle::Handle(Handle&& other) noexcept
    : hub_(std::exchange(other.hub_, nullptr)), key_(other.key_), member_(other.member_) {}

OutputHub::Handle& OutputHub::Handle::operator=(Handle&& other) noexcept {
  std::swap(hub_, other.hub_);
  std::swap(key_, other.key_);
  std::swap(member_, other.member_);
  return *this;
}

OutputHub::Handle::~Handle() {
  if (hub_ != nullptr) hub_->leave(key_, member_);
}

OutputHub::Handle OutputHub::follow(const Hash128& key, OutputFollower* follower,
                                    exec::KeepSandboxes keep) {
  const uint64_t id = members_.with([&](Members& all) {
    all[key].push_back({++all.last_id, follower, keep});
    return all.last_id;
  });
  return Handle(this, key, id);
}

void OutputHub::leave(const Hash128& key, uint64_t id) {
  members_.with([&](Members& all) {
    const auto it = all.find(key);
    if (it == all.end()) return;
    std::erase_if(it->second, [&](const Member& member) { return member.id == id; });
    if (it->second.empty()) all.erase(it);
  });
}

std::unique_ptr<exec::ProcessObserver> OutputHub::open(const Hash128& key) {
  return std::make_unique<Broadcast>(*this, key);
}

exec::KeepSandboxes OutputHub::keep(const Hash128& key) const {
  return members_.with([&](const Members& all) {
    auto strongest = exec::KeepSandboxes::kNever;
    const auto it = all.find(key);
    if (it == all.end()) return strongest;
    for (const Member& member : it->second) strongest = std::max(strongest, member.keep);
    return strongest;
  });
}

}  // namespace kiln::intrinsics
