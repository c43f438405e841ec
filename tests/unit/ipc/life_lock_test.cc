#include "common/ipc/life_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/ipc/paths.h"

namespace kiln {
namespace {

class LifeLockTest : public testing::Test {
 protected:
  LifeLockTest() {
    char name[] = "/tmp/kiln-life-XXXXXX";
    dir_ = ::mkdtemp(name);
    path_ = dir_ + "/daemon.lock";
  }
  ~LifeLockTest() override {
    ::unlink(path_.c_str());
    ::rmdir(dir_.c_str());
  }

  std::optional<LifeLockHolder> holder() const {
    auto found = life_lock_holder(path_);
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : std::nullopt;
  }

  std::string dir_;
  std::string path_;
};

TEST_F(LifeLockTest, OnlyAHolderThatServesIsFound) {
  EXPECT_EQ(holder(), std::nullopt);
  {
    auto lock = LifeLock::try_take(path_);
    ASSERT_TRUE(lock.ok() && lock->has_value());
    EXPECT_FALSE(LifeLock::try_take(path_)->has_value());
    EXPECT_EQ(holder(), std::nullopt) << "it starts";
    ASSERT_TRUE((*lock)->announce("/run/a socket").ok());
    ASSERT_TRUE(holder().has_value());
    EXPECT_EQ(holder()->pid, ::getpid());
    EXPECT_EQ(holder()->socket, "/run/a socket");
    EXPECT_TRUE(holder()->is_near());
    ASSERT_TRUE((*lock)->announce("/b").ok());
    EXPECT_EQ(holder()->socket, "/b");
    (*lock)->retract();
    EXPECT_EQ(holder(), std::nullopt) << "it goes";
    ASSERT_TRUE((*lock)->announce("/c").ok());
  }
  EXPECT_EQ(holder(), std::nullopt) << "it died without a word";
  const auto next = LifeLock::try_take(path_);
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_EQ(holder(), std::nullopt) << "what the dead one said is not about the next";
}

TEST_F(LifeLockTest, AProcessNumberIsNearOnlyInItsOwnNamespaceAndBoot) {
  auto lock = LifeLock::try_take(path_);
  ASSERT_TRUE(lock.ok() && lock->has_value());
  EXPECT_TRUE(*life_lock_held(path_));
  ASSERT_TRUE((*lock)->announce("/s").ok());
  LifeLockHolder here = *holder();
  EXPECT_NE(here.pid_namespace, 0u);
  EXPECT_NE(here.boot, "");
  LifeLockHolder container = here;
  ++container.pid_namespace;
  EXPECT_FALSE(container.is_near());
  EXPECT_TRUE(container.is_of_this_boot());
  LifeLockHolder machine = here;
  machine.boot = "another";
  EXPECT_FALSE(machine.is_near());
  EXPECT_FALSE(machine.is_of_this_boot());
  lock->reset();
  EXPECT_FALSE(*life_lock_held(path_));
}

TEST_F(LifeLockTest, AnOlderDaemonsLineIsUnderstood) {
  const auto lock = lock_file(path_, false);
  ASSERT_TRUE(lock.ok() && lock->has_value());
  ASSERT_TRUE(write_all((*lock)->get(), "12 /run/a socket\n", path_).ok());
  ASSERT_TRUE(holder().has_value());
  EXPECT_EQ(holder()->pid, 12);
  EXPECT_EQ(holder()->socket, "/run/a socket");
  EXPECT_TRUE(holder()->is_near());
}

TEST_F(LifeLockTest, GarbageInTheFileIsNobody) {
  for (const char* text : {"x", "12", "12 ", "12 /unfinished", " /s\n", "-\n"}) {
    const auto lock = lock_file(path_, false);
    ASSERT_TRUE(lock.ok() && lock->has_value());
    ASSERT_EQ(::ftruncate((*lock)->get(), 0), 0);
    ASSERT_TRUE(write_all((*lock)->get(), text, path_).ok());
    EXPECT_EQ(holder(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kiln
