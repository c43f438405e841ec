#include "daemon/async/frame_slab.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace kiln::frame_pool {
namespace {

std::vector<void*> carve_all(FrameSlab& slab, size_t bytes) {
  std::vector<void*> frames;
  while (void* frame = slab.carve(bytes)) frames.push_back(frame);
  return frames;
}

TEST(FrameSlab, IsCarvedInARowToItsEnd) {
  FrameSlab* slab = FrameSlab::make();
  const std::vector<void*> frames = carve_all(*slab, 240);
  EXPECT_GT(frames.size() * 240, FrameSlab::kBytes - 512);
  for (size_t i = 1; i < frames.size(); ++i) {
    EXPECT_EQ(static_cast<char*>(frames[i]) - static_cast<char*>(frames[i - 1]), 240);
  }
  slab->close();
  for (void* frame : frames) FrameSlab::give_back(frame);
}

TEST(FrameSlab, IsUsedAgainWhenTheLastFrameHasComeBackAndNotBefore) {
  FrameSlab* slab = FrameSlab::make();
  void* first = slab->carve(64);
  void* second = slab->carve(64);
  FrameSlab::give_back(first);
  slab->close();
  FrameSlab* other = FrameSlab::make();
  EXPECT_NE(other, slab);
  FrameSlab::give_back(second);
  EXPECT_EQ(FrameSlab::make(), slab);
  slab->close();
  other->close();
}

TEST(FrameSlab, FramesComeBackOnOtherThreadsWhileItIsCarved) {
  for (int round = 0; round < 50; ++round) {
    FrameSlab* slab = FrameSlab::make();
    const std::vector<void*> early = carve_all(*slab, FrameSlab::kBytes / 64);
    std::thread other([&] {
      for (void* frame : early) FrameSlab::give_back(frame);
    });
    const std::vector<void*> late = carve_all(*slab, 16);
    slab->close();
    for (void* frame : late) FrameSlab::give_back(frame);
    other.join();
  }
}

}  // namespace
}  // namespace kiln::frame_pool
