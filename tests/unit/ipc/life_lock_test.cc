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
    EXPECT_EQ(holder(), (LifeLockHolder{::getpid(), "/run/a socket"}));
    ASSERT_TRUE((*lock)->announce("/b").ok());
    EXPECT_EQ(holder(), (LifeLockHolder{::getpid(), "/b"}));
    (*lock)->retract();
    EXPECT_EQ(holder(), std::nullopt) << "it goes";
    ASSERT_TRUE((*lock)->announce("/c").ok());
  }
  EXPECT_EQ(holder(), std::nullopt) << "it died without a word";
  const auto next = LifeLock::try_take(path_);
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_EQ(holder(), std::nullopt) << "what the dead one said is not about the next";
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
