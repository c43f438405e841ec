// FamilyEnclosure: a process that runs among those of the machine. Its descendants are found by
// their tag, and as strays (families.h).
// Threads: as Enclosure.
#pragma once

#include "daemon/exec/enclosure.h"
#include "daemon/exec/families.h"

namespace kiln::exec {

class FamilyEnclosure final : public Enclosure {
 public:
  // Fills in the request's streams and tag.
  FamilyEnclosure(os::SpawnRequest request, Families& families, Family family);

  Result<os::Child> start(int stdout_fd, int stderr_fd) override;
  void terminate(const os::Child& leader) override;
  Result<Settled> end(os::Child leader, Deadline deadline) override;

 private:
  os::SpawnRequest request_;
  Families::Member member_;
};

}  // namespace kiln::exec
