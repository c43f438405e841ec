// A Store in memory: for tests, and the oracle of the contract suite.
#pragma once

#include <memory>

#include "daemon/store/stores.h"

namespace kiln::store {
std::unique_ptr<Store> make_memory_store();
}  // namespace kiln::store
