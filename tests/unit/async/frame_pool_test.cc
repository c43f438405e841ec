#include "daemon/async/frame_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace kiln {
namespace {

struct Frame {
  void* at;
  size_t bytes;
  unsigned char mark;
};

Frame make(size_t bytes, unsigned char mark) {
  void* at = frame_pool::allocate(bytes);
  std::memset(at, mark, bytes);
  return {at, bytes, mark};
}

// Nobody else wrote to it.
bool end(const Frame& frame) {
  const auto* first = static_cast<const unsigned char*>(frame.at);
  const bool intact =
      std::all_of(first, first + frame.bytes, [&](unsigned char c) { return c == frame.mark; });
  frame_pool::deallocate(frame.at, frame.bytes);
  return intact;
}

std::vector<Frame> make_many(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Frame> frames;
  for (size_t i = 0; i < count; ++i) {
    frames.push_back(make(1 + random() % 3'000, static_cast<unsigned char>(random())));
  }
  std::shuffle(frames.begin(), frames.end(), random);
  return frames;
}

TEST(FramePool, FramesAreApartAndAligned) {
  // Some ten megabytes, more than a thread keeps.
  for (const Frame& frame : make_many(10'000, 1)) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.at) % 16, 0u);
    EXPECT_TRUE(end(frame));
  }
}

TEST(FramePool, FramesMayEndOnAnotherThreadWhenTheirOwnIsGone) {
  std::vector<Frame> frames;
  std::thread([&] { frames = make_many(10'000, 2); }).join();
  std::thread([&] {
    for (const Frame& frame : frames) EXPECT_TRUE(end(frame));
  }).join();
}

TEST(FramePool, ThreadsMayEndEachOthersFramesWhileTheyMakeTheirOwn) {
  std::vector<Frame> first = make_many(5'000, 3);
  std::vector<Frame> second = make_many(5'000, 4);
  const auto swap_for_own = [](std::vector<Frame>& frames, unsigned seed) {
    for (int round = 0; round < 3; ++round) {
      const std::vector<Frame> ended = std::exchange(frames, make_many(5'000, ++seed));
      for (const Frame& frame : ended) EXPECT_TRUE(end(frame));
    }
  };
  std::thread other([&] { swap_for_own(first, 10); });
  swap_for_own(second, 20);
  other.join();
  for (const Frame& frame : first) EXPECT_TRUE(end(frame));
  for (const Frame& frame : second) EXPECT_TRUE(end(frame));
}

}  // namespace
}  // namespace kiln
