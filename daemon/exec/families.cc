#include "daemon/exec/families.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace kiln::exec {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

milliseconds until(Deadline deadline) {
  return std::max(std::chrono::ceil<milliseconds>(deadline - steady_clock::now()), milliseconds(0));
}

bool in_family_of(pid_t leader, const os::ProcessFacts& facts) {
  return leader != 0 && (facts.session == leader || facts.group == leader);
}

// As the first process of a container, this one is given everybody's orphans.
bool adopts_strangers() { return ::getpid() == 1; }

}  // namespace

Result<std::unique_ptr<Families>> Families::make() {
  KILN_TRY(os::become_subreaper());
  KILN_ASSIGN(os::ChildList orphans, os::ChildList::of_first_thread());
  return std::unique_ptr<Families>(new Families(std::move(orphans)));
}

Families::Families(os::ChildList orphans) : orphans_(std::move(orphans)) {
  for (const pid_t pid : orphans_.read()) spare(pid);
}

Families::~Families() { reap_abandoned(); }

Families::Member::Member(Families& families, Family family)
    : families_(families), family_(std::move(family)) {
  families_.state_.with([&](State& state) { state.live.push_back(Live{.family = &family_}); });
}

Families::Member::~Member() {
  families_.state_.with([&](State& state) {
    std::erase_if(state.live, [&](const Live& live) { return live.family == &family_; });
  });
}

void Families::Member::set_leader(const os::Child& leader) {
  families_.state_.with([&](State& state) {
    for (Live& live : state.live) {
      if (live.family != &family_) continue;
      live.leader = leader.pid;
      live.birth = leader.birth;
    }
  });
}

os::Killed Families::Member::end(Deadline deadline) {
  return families_.end_family(family_, deadline);
}

void Families::Member::abandon(os::Child leader) {
  families_.state_.with([&](State& state) { state.abandoned.push_back(std::move(leader)); });
}

os::Killed Families::end_family(const Family& family, Deadline deadline) {
  reap_abandoned();
  const Live live = state_.with([&](State& state) {
    const auto at = std::find_if(state.live.begin(), state.live.end(),
                                 [&](const Live& each) { return each.family == &family; });
    at->ending = true;
    return *at;
  });
  os::Killed all;
  const auto siblings = os::ChildList::of_this_thread();
  for (;;) {
    const os::Killed tagged = os::kill_tagged(family.tag, live.birth, deadline);
    const std::vector<pid_t> made = siblings.ok() ? siblings->read() : std::vector<pid_t>();
    os::Killed strays = kill_strays(live, made, deadline);
    all.count += tagged.count + strays.count;
    all.complete = tagged.complete && strays.complete;
    // A stray that was killed leaves children behind, with or without the tag.
    if (strays.count == 0 || until(deadline) == milliseconds(0)) return all;
  }
}

os::Killed Families::kill_strays(const Live& live, const std::vector<pid_t>& siblings,
                                 Deadline deadline) {
  os::Killed killed;
  const auto look_at = [&](pid_t pid, Owner owner) {
    if (owner == Owner::kFamily) kill_stray(pid, deadline, killed);
    if (owner == Owner::kUnknown) killed.complete = false;
  };
  for (const pid_t pid : orphans_.read()) look_at(pid, owner_of_orphan(pid, live));
  for (const pid_t pid : siblings) look_at(pid, owner_of_sibling(pid, live));
  return killed;
}

// What this thread has for children besides the leader, the leader has made (CLONE_PARENT).
Families::Owner Families::owner_of_sibling(pid_t pid, const Live& live) {
  const auto facts = os::facts_of(pid);
  if (!facts || pid == live.leader || is_abandoned(pid) || is_spared(pid, *facts)) {
    return Owner::kOther;
  }
  return Owner::kFamily;
}

Families::Owner Families::owner_of_orphan(pid_t pid, const Live& live) {
  const auto facts = os::facts_of(pid);
  if (!facts || facts->parent != ::getpid()) return Owner::kOther;
  if (pid == live.leader || is_abandoned(pid)) return Owner::kOther;
  const std::vector<Live> rivals = others(*live.family);
  const os::ProcessTag tag = os::tag_of(pid);
  for (const Live& rival : rivals) {
    if (tag == rival.family->tag || in_family_of(rival.leader, *facts)) return Owner::kOther;
  }
  if (facts->ended) {
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    return Owner::kOther;
  }
  if (is_spared(pid, *facts)) return Owner::kOther;
  if (tag == live.family->tag || in_family_of(live.leader, *facts)) return Owner::kFamily;

  const auto alive_at_its_birth = [&](pid_t leader) {
    const auto leader_facts = leader == 0 ? std::nullopt : os::facts_of(leader);
    return leader_facts && leader_facts->birth <= facts->birth;
  };
  // A family that is being ended looks after what is surely its own. Of what may be anybody's, each
  // would leave it to the other.
  const bool may_be_a_rivals = std::any_of(rivals.begin(), rivals.end(), [&](const Live& each) {
    return !each.ending && alive_at_its_birth(each.leader);
  });
  if (!may_be_a_rivals && !adopts_strangers()) return Owner::kFamily;
  if (os::reaches(pid, live.family->sandbox)) return Owner::kFamily;
  if (adopts_strangers() || !alive_at_its_birth(live.leader)) return Owner::kOther;
  const bool in_a_rivals_sandbox = std::any_of(rivals.begin(), rivals.end(), [&](const Live& each) {
    return os::reaches(pid, each.family->sandbox);
  });
  if (in_a_rivals_sandbox) return Owner::kOther;
  // Of one that died meanwhile nothing could be learnt, and nobody needs to end it.
  const auto now = os::facts_of(pid);
  const bool lives = now && !now->ended && now->birth == facts->birth;
  return lives ? Owner::kUnknown : Owner::kOther;
}

// All but this one, those that are being ended as well.
std::vector<Families::Live> Families::others(const Family& family) const {
  return state_.with([&](const State& state) {
    std::vector<Live> rivals;
    for (const Live& each : state.live) {
      if (each.family != &family) rivals.push_back(each);
    }
    return rivals;
  });
}

void Families::kill_stray(pid_t pid, Deadline deadline, os::Killed& killed) {
  switch (os::end_child(pid, static_cast<int>(until(deadline).count()))) {
    case os::Ending::kGone:
      ++killed.count;
      return;
    case os::Ending::kRefused:
      killed.complete = false;
      return;
    case os::Ending::kPending:
      killed.complete = false;
      spare(pid);
  }
}

void Families::spare(pid_t pid) {
  const auto facts = os::facts_of(pid);
  if (!facts) return;
  state_.with([&](State& state) { state.spared.push_back(Spared{pid, facts->birth}); });
}

bool Families::is_spared(pid_t pid, const os::ProcessFacts& facts) const {
  return state_.with([&](const State& state) {
    return std::any_of(state.spared.begin(), state.spared.end(), [&](const Spared& each) {
      return each.pid == pid && each.birth == facts.birth;
    });
  });
}

bool Families::is_abandoned(pid_t pid) const {
  return state_.with([&](const State& state) {
    return std::any_of(state.abandoned.begin(), state.abandoned.end(),
                       [&](const os::Child& child) { return child.pid == pid; });
  });
}

void Families::reap_abandoned() {
  state_.with([&](State& state) {
    std::erase_if(state.abandoned, [](const os::Child& child) {
      const auto status = os::reap_until(child, steady_clock::now());
      return !status.ok() || status->has_value();
    });
    std::erase_if(state.spared, [](const Spared& each) {
      const auto facts = os::facts_of(each.pid);
      return !facts || facts->birth != each.birth;
    });
  });
}

SlotId Families::slot_of(pid_t pid) {
  if (state_.with([](const State& state) { return state.live.empty(); })) return {};
  const os::ProcessTag tag = os::tag_of(pid);
  const auto facts = tag == 0 ? os::facts_of(pid) : std::nullopt;
  return state_.with([&](const State& state) {
    for (const Live& live : state.live) {
      if (tag != 0 && tag == live.family->tag) return live.family->slot;
      if (facts && in_family_of(live.leader, *facts)) return live.family->slot;
    }
    return SlotId();
  });
}

}  // namespace kiln::exec
