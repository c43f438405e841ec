// eventually(): polls until `condition` holds; false after `patience`. For what another thread or
// process does in its own time; checked often, so that nothing waits longer than it must.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace kiln::test {

inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace kiln::test
