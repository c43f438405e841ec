// Diagnosis: what this machine allows the daemon, and what a person can do about the rest.
//
// Threads: stateless. Blocking: reads /proc and asks file systems.
#pragma once

#include <string>
#include <vector>

#include "daemon/confine/support.h"
#include "daemon/watch/watcher.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln::service {

// What is looked at.
struct Patient {
  const confine::Support& confinement;
  std::string home;            // absolute
  std::string workspace_root;  // absolute; empty: none
  watch::WatchStats watches;
};

std::vector<v1::Finding> diagnose(const Patient& patient);

}  // namespace kiln::service
