#include "daemon/exec/family_enclosure.h"

#include <csignal>
#include <utility>

namespace kiln::exec {

FamilyEnclosure::FamilyEnclosure(os::SpawnRequest request, Families& families, Family family)
    : request_(std::move(request)), member_(families, std::move(family)) {
  request_.tag = member_.tag();
}

Result<os::Child> FamilyEnclosure::start(int stdout_fd, int stderr_fd) {
  request_.stdout_fd = stdout_fd;
  request_.stderr_fd = stderr_fd;
  KILN_ASSIGN(os::Child leader, os::spawn(request_));
  member_.set_leader(leader);
  return leader;
}

void FamilyEnclosure::terminate(const os::Child& leader) {
  os::signal_tagged(request_.tag, leader.pid, SIGTERM);
}

Result<Enclosure::Settled> FamilyEnclosure::end(os::Child leader, Deadline deadline) {
  // The leader is not reaped yet, so that the number of its group is nobody else's.
  os::signal_family(leader, SIGKILL);
  const os::Killed killed = member_.end(deadline);
  KILN_ASSIGN(auto status, os::reap_until(leader, deadline));
  if (!status) member_.abandon(std::move(leader));
  return Settled{
      .status = status, .killed = killed.count, .complete = killed.complete && status.has_value()};
}

}  // namespace kiln::exec
