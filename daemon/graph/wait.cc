#include "daemon/graph/wait.h"

#include <new>

#include "daemon/async/frame_pool.h"

namespace kiln::graph {

static_assert(sizeof(WaitBlock) % alignof(Wait) == 0);

Error cancelled_error() {
  return user_error(ErrorCode::kCancelled, "cancelled: nobody waits for this any more");
}

WaitBlock* WaitBlock::make(size_t waits, Attempt* owner, RunId run) {
  void* memory = frame_pool::allocate(sizeof(WaitBlock) + waits * sizeof(Wait));
  auto* block = new (memory) WaitBlock(waits, owner, run);
  for (size_t i = 0; i < waits; ++i) (new (block->first() + i) Wait)->block = block;
  return block;
}

void WaitBlock::unref() {
  if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const size_t bytes = sizeof(WaitBlock) + count * sizeof(Wait);
  for (Wait& wait : waits()) wait.~Wait();
  this->~WaitBlock();
  frame_pool::deallocate(this, bytes);
}

bool WaitBlock::arrive(const Wait& wait) {
  if (count > 1) {
    const bool ends_all = wait.outcome.failed() && !wait.tolerated;
    if (!ends_all && left.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    if (over.exchange(true, std::memory_order_acq_rel)) return false;
  }
  return gate.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

}  // namespace kiln::graph
